package source

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxGoSum bounds a go.sum in bytes; that of Kubernetes has 80 KB, its go.work.sum 60.
const maxGoSum = 16 << 20

// GoSums returns the checksums that the tree's go.sum and go.work.sum hold of modules, by "path@version", in the "h1:"
// form. Programs compiled from a vendored tree carry none themselves. A tree without these files has no sums.
func (t *Tree) GoSums() (map[string]string, error) {
	sums := map[string]string{}
	for _, name := range []string{"go.work.sum", "go.sum"} {
		if err := addGoSums(sums, filepath.Join(t.Dir, name)); err != nil {
			return nil, fmt.Errorf("sums of %s: %w", t.Name, err)
		}
	}
	return sums, nil
}

// addGoSums reads one go.sum file: lines of module, version and sum (go.dev/ref/mod, "go.sum files"). The sums of
// go.mod files alone are passed over.
func addGoSums(sums map[string]string, name string) error {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, maxGoSum))
	for number := 1; lines.Scan(); number++ {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		if len(words) != 3 || !strings.HasPrefix(words[2], "h1:") {
			return fmt.Errorf("%s:%d: not a module, its version and its sum", filepath.Base(name), number)
		}
		if !strings.HasSuffix(words[1], "/go.mod") {
			sums[words[0]+"@"+words[1]] = words[2]
		}
	}
	return lines.Err()
}

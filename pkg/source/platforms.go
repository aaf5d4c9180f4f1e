package source

import (
	"bufio"
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// Supported are the platforms that a Kubernetes tree says it is released for, as OS/ARCH in the order of the tree.
type Supported struct {
	Server, Node, Client []string
}

// Platforms reads the KUBE_SUPPORTED_*_PLATFORMS arrays of the tree's hack/lib/golang.sh.
func Platforms(t *Tree) (Supported, error) {
	script, err := readBounded(filepath.Join(t.Dir, "hack", "lib", "golang.sh"), 1<<20)
	if err != nil {
		return Supported{}, fmt.Errorf("reading the platforms of %s: %w", t.Name, err)
	}
	supported, err := parsePlatforms(script)
	if err != nil {
		return Supported{}, fmt.Errorf("reading the platforms of %s: hack/lib/golang.sh:%w", t.Name, err)
	}
	return supported, nil
}

// maxPlatforms bounds the entries of one array; Kubernetes has eleven.
const maxPlatforms = 256

var (
	platformArray = regexp.MustCompile(`^\s*(?:readonly\s+|declare\s+(?:-\w+\s+)*)?KUBE_SUPPORTED_(SERVER|NODE|CLIENT)_PLATFORMS=\((.*)$`)
	platformName  = regexp.MustCompile(`^[a-z0-9]+/[a-z0-9]+$`)
)

// parsePlatforms reads the arrays from the text of the script, of which nothing is run: an entry that is more than a
// plain word is an error, and so is an array that is absent, empty, given twice or not closed.
func parsePlatforms(script []byte) (Supported, error) {
	var s Supported
	arrays := map[string]*[]string{"SERVER": &s.Server, "NODE": &s.Node, "CLIENT": &s.Client}
	var open *[]string
	var name string
	number := 0
	lines := bufio.NewScanner(bytes.NewReader(script))
	for lines.Scan() {
		number++
		text := lines.Text()
		if open == nil {
			m := platformArray.FindStringSubmatch(text)
			if m == nil {
				continue
			}
			name, open, text = m[1], arrays[m[1]], m[2]
			if len(*open) > 0 {
				return Supported{}, fmt.Errorf("%d: the %s platforms are given twice", number, strings.ToLower(name))
			}
		}
		text, _, _ = strings.Cut(text, "#")
		text, rest, closed := strings.Cut(text, ")")
		if strings.TrimSpace(rest) != "" {
			return Supported{}, fmt.Errorf("%d: %q after the end of an array", number, rest)
		}
		for _, entry := range strings.Fields(text) {
			entry = strings.Trim(entry, `"'`)
			if !platformName.MatchString(entry) || len(*open) == maxPlatforms {
				return Supported{}, fmt.Errorf("%d: %q is no platform", number, entry)
			}
			*open = append(*open, entry)
		}
		if closed {
			open = nil
		}
	}
	if err := lines.Err(); err != nil {
		return Supported{}, fmt.Errorf("%d: %w", number+1, err)
	}
	if open != nil {
		return Supported{}, fmt.Errorf("%d: the %s platforms are not closed", number, strings.ToLower(name))
	}
	for _, name := range []string{"SERVER", "NODE", "CLIENT"} {
		if len(*arrays[name]) == 0 {
			return Supported{}, fmt.Errorf(" no %s platforms", strings.ToLower(name))
		}
	}
	return s, nil
}

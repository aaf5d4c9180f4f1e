package published

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"strings"

	"kubedist/pkg/checksum"
)

// ParseSums reads a SHA256SUMS file, as sha256sum writes it, of a directory with programs below OS/ARCH. Lines about
// other files are left out. The name begins all errors, which have [ErrFormat] in their chain where they are about what
// the file says.
func ParseSums(name string, data []byte, o Options) (*Checksums, error) {
	sums, err := checksum.Parse(bytes.NewReader(data), checksum.SHA256)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, err, ErrFormat)
	}
	if len(sums.Files) > maxEntries {
		return nil, fmt.Errorf("%s: more than %d files: %w", name, maxEntries, ErrFormat)
	}
	var entries []Entry
	for _, file := range sums.Names() {
		if e, ok := o.ofPath(file); ok && !strings.HasSuffix(file, sumSuffix) {
			e.SHA256, e.Place, e.File = sums.Files[file], name+" ("+file+")", file
			entries = append(entries, e)
		}
	}
	return collect(entries)
}

// sumSuffix ends the name of a file that holds the digest of the file without it.
const sumSuffix = ".sha256"

// ParseSum reads the content of a NAME.sha256: the digest alone, as dl.k8s.io has it, or a line of sha256sum, whose name
// has to be that of the file it lies beside. It returns the digest in lower case.
func ParseSum(name string, data []byte) (string, error) {
	if len(data) > maxSumFile {
		return "", fmt.Errorf("%s: larger than %d bytes: %w", name, maxSumFile, ErrFormat)
	}
	line, rest, _ := strings.Cut(string(data), "\n")
	if rest != "" {
		return "", fmt.Errorf("%s:2: more than one line: %w", name, ErrFormat)
	}
	sum, of, named := strings.Cut(strings.TrimSuffix(line, "\r"), " ")
	got, err := digest(sum)
	if err != nil {
		return "", fmt.Errorf("%s:1: %w", name, err)
	}
	if !named {
		return got, nil
	}
	// The second character is the mode of coreutils: a blank for text, a star for binary.
	of, blank := strings.CutPrefix(of, " ")
	if !blank {
		of, blank = strings.CutPrefix(of, "*")
	}
	want := strings.TrimSuffix(path.Base(strings.ReplaceAll(name, `\`, "/")), sumSuffix)
	if !blank || path.Base(of) != want {
		return "", fmt.Errorf("%s:1: the digest is that of %.80q, not of %q: %w", name, of, want, ErrFormat)
	}
	return got, nil
}

// bounded reads all of r, which has to be no more than limit bytes.
func bounded(name string, r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: larger than %d bytes: %w", name, limit, ErrFormat)
	}
	return data, nil
}

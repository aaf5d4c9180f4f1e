package checksum

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// Sums is the content of one sum file.
type Sums struct {
	Algorithm Algorithm
	// Files maps slash-separated paths, relative to the directory the sum file lies in, to digests in lower-case hex.
	Files map[string]string
}

// The bounds of what Parse reads. They are far beyond any release.
const (
	maxNameBytes = 4096
	maxLines     = 1 << 20
)

// ErrFormat is in the chain of every error about the content of a sum file.
var ErrFormat = errors.New("not a sum file")

// NewSums collects one algorithm's digests of files: names[i] has digests[i]. It panics when the lengths differ.
func NewSums(algorithm Algorithm, names []string, digests []Digests) Sums {
	if len(names) != len(digests) {
		panic("checksum: as many digests as names are needed")
	}
	s := Sums{Algorithm: algorithm, Files: make(map[string]string, len(names))}
	for i, name := range names {
		s.Files[name] = digests[i].Of(algorithm)
	}
	return s
}

// Names returns the paths in the order in which they are written.
func (s Sums) Names() []string { return slices.Sorted(maps.Keys(s.Files)) }

// WriteTo writes the sum file, sorted by path, as `sha256sum` or `sha512sum` would print it (text mode, two blanks).
// A path or digest that Parse would refuse is an error, and then nothing is written.
func (s Sums) WriteTo(w io.Writer) (int64, error) {
	var text strings.Builder
	for _, name := range s.Names() {
		if err := errors.Join(checkName(name), s.Algorithm.checkDigest(s.Files[name])); err != nil {
			return 0, fmt.Errorf("sum of %q: %w", name, err)
		}
		text.WriteString(s.Files[name] + "  " + name + "\n")
	}
	n, err := io.WriteString(w, text.String())
	return int64(n), err
}

// Parse reads a sum file. It is strict: every line, the last one too, is `<digest>  <path>` and a newline, no path
// comes twice, and there is at least one. Lines may come in any order. Errors that are not r's own have [ErrFormat] in
// their chain and begin with the line's number.
func Parse(r io.Reader, algorithm Algorithm) (Sums, error) {
	s := Sums{Algorithm: algorithm, Files: map[string]string{}}
	in := bufio.NewReaderSize(r, algorithm.digits()+2+maxNameBytes+1)
	for number := 1; ; number++ {
		line, err := in.ReadSlice('\n')
		if err == io.EOF && len(line) == 0 {
			break
		}
		if err != nil && err != io.EOF && !errors.Is(err, bufio.ErrBufferFull) {
			return Sums{}, fmt.Errorf("line %d: %w", number, err)
		}
		if err := s.add(string(line)); err != nil {
			return Sums{}, fmt.Errorf("line %d: %w", number, err)
		}
		if number > maxLines {
			return Sums{}, fmt.Errorf("line %d: more than %d files: %w", number, maxLines, ErrFormat)
		}
	}
	if len(s.Files) == 0 {
		return Sums{}, fmt.Errorf("line 1: no sums: %w", ErrFormat)
	}
	return s, nil
}

// add parses one line with its newline.
func (s Sums) add(line string) error {
	text, whole := strings.CutSuffix(line, "\n")
	if !whole {
		return fmt.Errorf("no end of line within %d bytes: %w", len(line), ErrFormat)
	}
	digits := s.Algorithm.digits()
	if len(text) < digits+2 || text[digits:digits+2] != "  " {
		return fmt.Errorf("no %s digest and two blanks at its start: %w", s.Algorithm, ErrFormat)
	}
	digest, name := text[:digits], text[digits+2:]
	if err := errors.Join(s.Algorithm.checkDigest(digest), checkName(name)); err != nil {
		return err
	}
	if _, twice := s.Files[name]; twice {
		return fmt.Errorf("path %q comes twice: %w", name, ErrFormat)
	}
	s.Files[name] = digest
	return nil
}

// checkDigest refuses what is not a digest in lower-case hex.
func (a Algorithm) checkDigest(digest string) error {
	if a.digits() == 0 {
		return fmt.Errorf("algorithm %q is unknown: %w", string(a), ErrFormat)
	}
	if len(digest) != a.digits() || strings.Trim(digest, "0123456789abcdef") != "" {
		return fmt.Errorf("digest %q is not %d lower-case hex digits: %w", digest, a.digits(), ErrFormat)
	}
	return nil
}

// checkName refuses paths that lead out of the directory and those that coreutils would escape.
func checkName(name string) error {
	switch {
	case len(name) > maxNameBytes:
		return fmt.Errorf("path is longer than %d bytes: %w", maxNameBytes, ErrFormat)
	case !fs.ValidPath(name) || name == ".":
		return fmt.Errorf("path %q is not a plain relative path: %w", name, ErrFormat)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f }):
		return fmt.Errorf("path %q has a backslash or control character: %w", name, ErrFormat)
	}
	return nil
}

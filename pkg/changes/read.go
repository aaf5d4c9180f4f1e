package changes

import (
	"fmt"
	"slices"
	"strings"

	"kubedist/pkg/deb"
	"kubedist/pkg/deb822"
)

// MaxSize bounds a .changes or .buildinfo file in bytes.
const MaxSize = 4 << 20

// Listing is what a .changes or .buildinfo file says of files.
type Listing struct {
	Source  string
	Version string
	Files   []deb.SourceFile // as Checksums-Sha256 has them
}

// Parse reads the text of a .changes or .buildinfo file, without a signature around it. It fails when that is no one
// paragraph, when its name or version is not as Policy 5.6 has it, and when its fields for digests do not list the same
// files, each once and of one size.
func Parse(text []byte) (*Listing, error) {
	if len(text) > MaxSize {
		return nil, fmt.Errorf("larger than %d bytes", MaxSize)
	}
	s, err := deb822.Parse(text, deb822.Limits{})
	if err != nil {
		return nil, err
	}
	l := &Listing{Source: s.Get("Source"), Version: s.Get("Version")}
	if err := deb.CheckName(l.Source); err != nil {
		return nil, err
	}
	if _, err := deb.ParseVersion(l.Version); err != nil {
		return nil, err
	}
	if l.Files, err = deb.ParseSourceFiles(s.Get("Checksums-Sha256")); err != nil {
		return nil, fmt.Errorf("field Checksums-Sha256: %w", err)
	}
	if len(l.Files) == 0 {
		return nil, fmt.Errorf("field Checksums-Sha256: lists no files")
	}
	want := l.sizes()
	for _, field := range []string{"Checksums-Sha1", "Checksums-Md5", "Files"} {
		value, there := s.Lookup(field)
		if !there {
			continue
		}
		got := sizes(value)
		if !slices.Equal(got, want) {
			return nil, fmt.Errorf("field %s: does not list what Checksums-Sha256 does", field)
		}
	}
	return l, nil
}

// sizes are the files with their sizes, sorted.
func (l *Listing) sizes() []string {
	var list []string
	for _, f := range l.Files {
		list = append(list, fmt.Sprintf("%d %s", f.Size, f.Name))
	}
	slices.Sort(list)
	return list
}

// sizes are those that a field of another digest lists: digest, size, and in Files section and priority before the name.
func sizes(value string) []string {
	var list []string
	for line := range strings.SplitSeq(value, "\n") {
		words := strings.Fields(line)
		switch len(words) {
		case 0:
		case 3, 5:
			list = append(list, words[1]+" "+words[len(words)-1])
		default:
			list = append(list, line)
		}
	}
	slices.Sort(list)
	return list
}

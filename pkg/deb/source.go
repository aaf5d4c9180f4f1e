package deb

import (
	"encoding/hex"
	"fmt"
	"path"
	"strconv"
	"strings"

	"kubedist/pkg/deb822"
)

// Source is what the control file of a source package, its .dsc, tells (Policy 5.4).
type Source struct {
	Name    string // checked by CheckName
	Version string // checked by ParseVersion
	Control deb822.Stanza
	Files   []SourceFile // beside the .dsc, as Checksums-Sha256 lists them
}

// SourceFile is a file of a source package.
type SourceFile struct {
	Name   string // a plain file name
	Size   int64
	SHA256 string // lower-case hexadecimal
}

// ParseSource reads the text of a .dsc without a signature around it. It fails when that is no one paragraph, when a field
// is missing that Policy 5.4 makes mandatory, when a name or version is not as Policy 5.6 has it, and when
// Checksums-Sha256 lists what is no digest, size and plain file name, or a name twice.
func ParseSource(text []byte, limits deb822.Limits) (*Source, error) {
	control, err := deb822.Parse(text, limits)
	if err != nil {
		return nil, err
	}
	for _, field := range []string{"Format", "Source", "Version", "Maintainer", "Checksums-Sha256"} {
		if strings.TrimSpace(control.Get(field)) == "" {
			return nil, fmt.Errorf("mandatory field %s is missing (Policy 5.4)", field)
		}
	}
	s := &Source{Name: control.Get("Source"), Version: control.Get("Version"), Control: control}
	if err := CheckName(s.Name); err != nil {
		return nil, err
	}
	if _, err := ParseVersion(s.Version); err != nil {
		return nil, err
	}
	if s.Files, err = ParseSourceFiles(control.Get("Checksums-Sha256")); err != nil {
		return nil, fmt.Errorf("field Checksums-Sha256: %w", err)
	}
	if n := len(SourceName(s)); n > maxFileName {
		return nil, fmt.Errorf("name and version: %d bytes make too long a file name", n)
	}
	return s, nil
}

// SourceName is the canonical file name name_version.dsc of a source package; a version's epoch is left out.
func SourceName(s *Source) string {
	version := s.Version
	if _, rest, found := strings.Cut(version, ":"); found {
		version = rest
	}
	return s.Name + "_" + version + ".dsc"
}

// ParseSourceFiles reads the value of a Checksums-Sha256 field (Policy 5.6.24).
func ParseSourceFiles(value string) ([]SourceFile, error) {
	var files []SourceFile
	seen := map[string]bool{}
	for line := range strings.SplitSeq(value, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if len(words) != 3 {
			return nil, fmt.Errorf("%q is no digest, size and name", line)
		}
		f := SourceFile{SHA256: words[0], Name: words[2]}
		if digest, err := hex.DecodeString(f.SHA256); err != nil || len(digest) != 32 || strings.ToLower(f.SHA256) != f.SHA256 {
			return nil, fmt.Errorf("digest %q is no SHA-256 in hexadecimal", f.SHA256)
		}
		size, err := strconv.ParseUint(words[1], 10, 63)
		if err != nil {
			return nil, fmt.Errorf("size %q is no number", words[1])
		}
		f.Size = int64(size)
		if path.Base(f.Name) != f.Name || strings.HasPrefix(f.Name, ".") || strings.ContainsAny(f.Name, "\\\x00") || len(f.Name) > maxFileName {
			return nil, fmt.Errorf("name %q is no plain file name", f.Name)
		}
		if seen[f.Name] {
			return nil, fmt.Errorf("name %q is listed twice", f.Name)
		}
		seen[f.Name] = true
		files = append(files, f)
	}
	return files, nil
}

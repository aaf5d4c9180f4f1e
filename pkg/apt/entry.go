package apt

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"kubedist/pkg/deb"
	"kubedist/pkg/deb822"
)

// entry is one paragraph of a Packages index. Its strings are slices of the index they were read from.
type entry struct {
	name, version, arch string
	filename            string
	sha256              string // lower-case hexadecimal
	size                int64
	text                paragraph
}

// compareEntries is the order of an index: name, version, architecture.
func compareEntries(a, b *entry) int {
	if c := strings.Compare(a.name, b.name); c != 0 {
		return c
	}
	if c := deb.Compare(a.version, b.version); c != 0 {
		return c
	}
	// Versions can be spelled in two ways that compare as equal: 1.0 and 1.00.
	return cmp.Or(strings.Compare(a.version, b.version), strings.Compare(a.arch, b.arch))
}

// indexOnly are the fields that the archive sets. A package's own are left out: the archive's word counts.
func indexOnly(field string) bool {
	for _, only := range [...]string{"filename", "size", "md5sum", "sha1", "sha256", "sha512", "status", "conffiles", "config-version", "description-md5"} {
		if len(field) == len(only) && strings.EqualFold(field, only) {
			return true
		}
	}
	return false
}

// newEntry writes the paragraph of a package: its control paragraph, Package first, then what the archive knows. keep
// gets the text.
func newEntry(p *deb.Info, filename string, keep *scratch) (*entry, error) {
	s := indexed(p)
	digest := hex.EncodeToString(p.SHA256[:])
	s = append(s, deb822.Field{Name: "Filename", Value: filename},
		deb822.Field{Name: "Size", Value: strconv.FormatInt(p.Size, 10)}, deb822.Field{Name: "SHA256", Value: digest})
	text, err := s.Append(make([]byte, 0, 1024))
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	kept, err := keep.put(text)
	if err != nil {
		return nil, err
	}
	e := &entry{name: p.Package, version: p.Version, arch: p.Architecture, filename: filename, sha256: digest, size: p.Size, text: kept}
	e.share()
	return e, nil
}

// indexed is the part of a package's paragraph that comes from its control paragraph, with room for what the archive knows.
func indexed(p *deb.Info) deb822.Stanza {
	s := make(deb822.Stanza, 1, len(p.Control)+4)
	s[0] = deb822.Field{Name: "Package", Value: p.Package}
	for _, f := range p.Control {
		if !indexOnly(f.Name) && !strings.EqualFold(f.Name, "Package") {
			s = append(s, f)
		}
	}
	return s
}

// share makes the strings of an entry parts of one of their own, so that many entries take little memory, and no text
// stays for the sake of a few of its words.
func (e *entry) share() {
	both := e.filename + e.sha256
	e.filename, e.sha256 = both[:len(e.filename)], both[len(e.filename):]
	base, _ := strings.CutSuffix(path.Base(e.filename), ".deb")
	name, rest, _ := strings.Cut(base, "_")
	version, arch, _ := strings.Cut(rest, "_")
	if name == e.name && version == e.version && arch == e.arch {
		e.name, e.version, e.arch = name, version, arch
		return
	}
	all := e.name + e.version + e.arch
	e.name, e.version, e.arch = all[:len(e.name)], all[len(e.name):len(all)-len(e.arch)], all[len(all)-len(e.arch):]
}

// parsePackages reads an index, sorted. It looks at the fields that identify and locate a package, and leaves the others
// as they are: the whole index was signed as it is.
func parsePackages(text string) ([]entry, error) { return parsePackagesOf(text, checkPoolPath) }

// parsePackagesOf is parsePackages for an index whose Filename fields are as check demands.
func parsePackagesOf(text string, check func(filename string) error) ([]entry, error) {
	if strings.IndexByte(text, 0) >= 0 || strings.IndexByte(text, '\r') >= 0 {
		return nil, errors.New("holds a NUL byte or a carriage return")
	}
	entries := make([]entry, 0, strings.Count(text, "\nFilename:")+1)
	sorted := true
	for rest := text; rest != ""; {
		at := len(text) - len(rest)
		var part string
		if i := strings.Index(rest, "\n\n"); i >= 0 {
			part, rest = rest[:i+1], rest[i+2:]
		} else {
			part, rest = rest, ""
		}
		if part == "\n" {
			continue
		}
		entries = append(entries, entry{})
		e := &entries[len(entries)-1]
		if err := e.parse(part, check); err != nil {
			return nil, fmt.Errorf("paragraph at line %d: %w", strings.Count(text[:at], "\n")+1, err)
		}
		sorted = sorted && (len(entries) == 1 || compareEntries(&entries[len(entries)-2], e) < 0)
	}
	if sorted {
		return entries, nil
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return compareEntries(&a, &b) })
	for i := 1; i < len(entries); i++ {
		if compareEntries(&entries[i-1], &entries[i]) == 0 && entries[i-1].sha256 != entries[i].sha256 {
			return nil, fmt.Errorf("package %s %s (%s): listed twice, with different digests", entries[i].name, entries[i].version, entries[i].arch)
		}
	}
	return slices.CompactFunc(entries, func(a, b entry) bool { return compareEntries(&a, &b) == 0 }), nil
}

// The fields of a paragraph that identify and locate a package. All others are of no interest here.
const (
	fieldPackage = iota
	fieldVersion
	fieldArchitecture
	fieldFilename
	fieldSize
	fieldSHA256
	fieldCount
)

// fieldNamed tells which field a name is, fieldCount when none. Most names are told apart by their length.
func fieldNamed(name string) int {
	field := fieldCount
	switch len(name) {
	case len("Size"):
		field = fieldSize
	case len("SHA256"):
		field = fieldSHA256
	case len("Package"):
		if field = fieldPackage; name[0]|0x20 == 'v' {
			field = fieldVersion
		}
	case len("Filename"):
		field = fieldFilename
	case len("Architecture"):
		field = fieldArchitecture
	}
	if field < fieldCount && !strings.EqualFold(name, fieldName(field)) {
		return fieldCount
	}
	return field
}

func fieldName(field int) string {
	return [fieldCount]string{"Package", "Version", "Architecture", "Filename", "Size", "SHA256"}[field]
}

// parse takes the fields it needs from one paragraph. Its Filename must be as check demands.
func (e *entry) parse(text string, check func(filename string) error) error {
	if !strings.HasSuffix(text, "\n") || strings.HasPrefix(text, "\n") {
		return errors.New("not whole lines of text")
	}
	var values [fieldCount]string
	for rest := text; rest != ""; {
		end := strings.IndexByte(rest, '\n')
		line := rest[:end]
		rest = rest[end+1:]
		if line[0] == ' ' || line[0] == '\t' {
			continue
		}
		colon := strings.IndexByte(line, ':')
		if colon <= 0 {
			return fmt.Errorf("line %q has no colon", line)
		}
		if field := fieldNamed(line[:colon]); field < fieldCount {
			if values[field] != "" {
				return fmt.Errorf("field %s named twice", fieldName(field))
			}
			values[field] = strings.Trim(line[colon+1:], " \t")
		}
	}
	for i, value := range values {
		if value == "" {
			return fmt.Errorf("field %s is missing", fieldName(i))
		}
	}
	e.name, e.version, e.arch = values[fieldPackage], values[fieldVersion], values[fieldArchitecture]
	e.filename, e.sha256, e.text.text = values[fieldFilename], values[fieldSHA256], text
	return e.check(values[fieldSize], check)
}

// check checks the fields, which become names of files and directories.
func (e *entry) check(size string, checkPath func(filename string) error) error {
	if err := deb.CheckName(e.name); err != nil {
		return err
	}
	if err := deb.CheckArchitecture(e.arch); err != nil {
		return err
	}
	if err := checkPath(e.filename); err != nil {
		return fmt.Errorf("package %s: %w", e.name, err)
	}
	n, err := strconv.ParseUint(size, 10, 63)
	if err != nil {
		return fmt.Errorf("package %s: size %q is no number", e.name, size)
	}
	e.size = int64(n)
	if err := checkDigest(e.sha256); err != nil {
		return fmt.Errorf("package %s: %w", e.name, err)
	}
	return nil
}

// checkDigest refuses what is no SHA-256 in lower-case hexadecimal. Digests become file names under by-hash.
func checkDigest(digest string) error {
	ok := len(digest) == 64
	for i := 0; ok && i < len(digest); i++ {
		ok = digest[i] >= '0' && digest[i] <= '9' || digest[i] >= 'a' && digest[i] <= 'f'
	}
	if !ok {
		return fmt.Errorf("digest %q is no SHA-256 in hexadecimal", digest)
	}
	return nil
}

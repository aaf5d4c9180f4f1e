package apt

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
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
	text                string // the whole paragraph, with its last line end and without the blank line after it
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
	switch strings.ToLower(field) {
	case "filename", "size", "md5sum", "sha1", "sha256", "sha512", "status", "conffiles", "config-version", "description-md5":
		return true
	}
	return false
}

// newEntry writes the paragraph of a package: its control paragraph, Package first, then what the archive knows.
func newEntry(p *deb.Info, filename string) (*entry, error) {
	s := make(deb822.Stanza, 1, len(p.Control)+4)
	s[0] = deb822.Field{Name: "Package", Value: p.Package}
	for _, f := range p.Control {
		if !indexOnly(f.Name) && !strings.EqualFold(f.Name, "Package") {
			s = append(s, f)
		}
	}
	digest := hex.EncodeToString(p.SHA256[:])
	s = append(s, deb822.Field{Name: "Filename", Value: filename},
		deb822.Field{Name: "Size", Value: strconv.FormatInt(p.Size, 10)}, deb822.Field{Name: "SHA256", Value: digest})
	var b bytes.Buffer
	if _, err := s.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	return &entry{name: p.Package, version: p.Version, arch: p.Architecture, filename: filename, sha256: digest, size: p.Size, text: b.String()}, nil
}

// parsePackages reads an index, sorted. It looks at the fields that identify and locate a package, and leaves the others
// as they are: the whole index was signed as it is.
func parsePackages(text string) ([]entry, error) { return parsePackagesOf(text, checkPoolPath) }

// parsePackagesOf is parsePackages for an index whose Filename fields are as check demands.
func parsePackagesOf(text string, check func(filename string) error) ([]entry, error) {
	entries := make([]entry, 0, strings.Count(text, "\nPackage:")+1)
	sorted := true
	for line := 1; text != ""; {
		var paragraph string
		if i := strings.Index(text, "\n\n"); i >= 0 {
			paragraph, text = text[:i+1], text[i+2:]
		} else {
			paragraph, text = text, ""
		}
		if paragraph != "\n" && paragraph != "" {
			e, err := parseEntry(paragraph, check)
			if err != nil {
				return nil, fmt.Errorf("paragraph at line %d: %w", line, err)
			}
			sorted = sorted && (len(entries) == 0 || compareEntries(&entries[len(entries)-1], &e) < 0)
			entries = append(entries, e)
		}
		line += strings.Count(paragraph, "\n") + 1
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

// parseEntry takes the fields it needs from one paragraph.
func parseEntry(paragraph string, check func(filename string) error) (entry, error) {
	e := entry{text: paragraph}
	if !strings.HasSuffix(paragraph, "\n") || strings.HasPrefix(paragraph, "\n") || strings.ContainsAny(paragraph, "\x00\r") {
		return entry{}, fmt.Errorf("not whole lines of text")
	}
	var size string
	fields := [...]struct {
		name  string
		value *string
	}{{"Package", &e.name}, {"Version", &e.version}, {"Architecture", &e.arch}, {"Filename", &e.filename}, {"Size", &size}, {"SHA256", &e.sha256}}
	for rest := paragraph; rest != ""; {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		if line[0] == ' ' || line[0] == '\t' {
			continue
		}
		colon := strings.IndexByte(line, ':')
		if colon <= 0 {
			return entry{}, fmt.Errorf("line %q has no colon", line)
		}
		for i := range fields {
			if len(fields[i].name) == colon && strings.EqualFold(fields[i].name, line[:colon]) {
				if *fields[i].value != "" {
					return entry{}, fmt.Errorf("field %s named twice", fields[i].name)
				}
				*fields[i].value = strings.Trim(line[colon+1:], " \t")
			}
		}
	}
	for i := range fields {
		if *fields[i].value == "" {
			return entry{}, fmt.Errorf("field %s is missing", fields[i].name)
		}
	}
	if err := deb.CheckName(e.name); err != nil {
		return entry{}, err
	}
	if err := deb.CheckArchitecture(e.arch); err != nil {
		return entry{}, err
	}
	if err := check(e.filename); err != nil {
		return entry{}, fmt.Errorf("package %s: %w", e.name, err)
	}
	n, err := strconv.ParseUint(size, 10, 63)
	if err != nil {
		return entry{}, fmt.Errorf("package %s: size %q is no number", e.name, size)
	}
	e.size = int64(n)
	if err := checkDigest(e.sha256); err != nil {
		return entry{}, fmt.Errorf("package %s: %w", e.name, err)
	}
	return e, nil
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

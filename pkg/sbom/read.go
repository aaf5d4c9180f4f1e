package sbom

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// MaxSize bounds a document in bytes. That of a whole Kubernetes release has some 4 MB.
const MaxSize = 64 << 20

// Parse reads a document that kubedist wrote. It is strict: an unknown field, an identifier that is not one or comes
// twice, a relationship between elements that are not there, a digest of another form and bytes after the document are
// errors.
func Parse(data []byte) (*Document, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("SBOM: larger than %d bytes", MaxSize)
	}
	in := json.NewDecoder(bytes.NewReader(data))
	in.DisallowUnknownFields()
	d := &Document{}
	if err := in.Decode(d); err != nil {
		return nil, fmt.Errorf("SBOM: %w", err)
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("SBOM: something after its end")
	}
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("SBOM %.80q: %w", d.Name, err)
	}
	return d, nil
}

// check finds what makes a document useless or wrong.
func (d *Document) check() error {
	switch {
	case d.SPDXVersion != version || d.DataLicense != dataLicense || d.ID != documentID:
		return fmt.Errorf("not a document of %s", version)
	case d.Name == "" || !strings.HasPrefix(d.Namespace, "https://") || strings.Contains(d.Namespace, "#"):
		return errors.New("without a name or namespace")
	case len(d.Creation.Creators) == 0:
		return errors.New("without a creator")
	}
	if _, err := time.Parse("2006-01-02T15:04:05Z", d.Creation.Created); err != nil {
		return fmt.Errorf("created: %w", err)
	}
	seen := map[string]bool{documentID: true}
	for i := range d.Packages {
		if err := d.Packages[i].check(seen); err != nil {
			return fmt.Errorf("package %.80q: %w", d.Packages[i].Name, err)
		}
	}
	for i := range d.Files {
		if err := d.Files[i].check(seen); err != nil {
			return fmt.Errorf("file %.80q: %w", d.Files[i].Name, err)
		}
	}
	described := 0
	for _, r := range d.Relationships {
		if !seen[r.Element] || !seen[r.Related] {
			return fmt.Errorf("relationship %.80q %.20q %.80q: an element is not there", r.Element, r.Type, r.Related)
		}
		switch r.Type {
		case describes:
			described++
		case contains, generatedFrom, staticLink, dependsOn:
		default:
			return fmt.Errorf("relationship %.20q: unknown", r.Type)
		}
	}
	if described != 1 {
		return fmt.Errorf("describes %d things, not one", described)
	}
	return nil
}

func (p *Package) check(seen map[string]bool) error {
	if p.Name == "" || p.DownloadLocation == "" || p.LicenseConcluded == "" || p.LicenseDeclared == "" {
		return errors.New("a mandatory field is missing")
	}
	if p.FilesAnalyzed != (p.Verification != nil) {
		return errors.New("a verification code goes with files that were analysed")
	}
	if p.FileName != "" && sumOf(p.Checksums, "SHA256") == "" {
		return errors.New("a file without a SHA256")
	}
	return checkElement(p.ID, p.Checksums, seen)
}

func (f *File) check(seen map[string]bool) error {
	if !strings.HasPrefix(f.Name, "./") {
		return errors.New("its name does not begin with ./")
	}
	if sumOf(f.Checksums, "SHA1") == "" || sumOf(f.Checksums, "SHA256") == "" {
		return errors.New("without a SHA1 or SHA256")
	}
	return checkElement(f.ID, f.Checksums, seen)
}

// digestBytes are the lengths of the digests in use.
var digestBytes = map[string]int{"SHA1": 20, "SHA256": 32, "SHA512": 64}

func checkElement(id string, sums []Checksum, seen map[string]bool) error {
	name, ok := strings.CutPrefix(id, "SPDXRef-")
	if !ok || name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") != "" {
		return fmt.Errorf("identifier %.80q is none", id)
	}
	if seen[id] {
		return fmt.Errorf("identifier %s comes twice", id)
	}
	seen[id] = true
	for _, c := range sums {
		digest, err := hex.DecodeString(c.Value)
		if err != nil || len(digest) == 0 || len(digest) != digestBytes[c.Algorithm] || strings.ToLower(c.Value) != c.Value {
			return fmt.Errorf("checksum %.20q %.140q is none", c.Algorithm, c.Value)
		}
	}
	return nil
}

// Claim is a file with the digest that a document says it has.
type Claim struct {
	Name   string // below the release's directory
	SHA256 string // lower-case hexadecimal
}

// About returns the artifact that the document is about; FileName is "" for one that is no single file.
func (d *Document) About() (name, fileName string) {
	for _, r := range d.Relationships {
		if r.Type != describes {
			continue
		}
		for i := range d.Packages {
			if d.Packages[i].ID == r.Related {
				return d.Packages[i].Name, d.Packages[i].FileName
			}
		}
	}
	return "", ""
}

// Artifacts returns what the document says of files that are packages in the sense of SPDX, in its order.
func (d *Document) Artifacts() []Claim {
	var claims []Claim
	for i := range d.Packages {
		if p := &d.Packages[i]; p.FileName != "" {
			claims = append(claims, Claim{p.FileName, sumOf(p.Checksums, "SHA256")})
		}
	}
	return claims
}

// Contents returns what the document says of all other files but those that programs are compiled from, in its order.
func (d *Document) Contents() []Claim {
	var claims []Claim
	for i := range d.Files {
		if slices.Contains(d.Files[i].Types, source) {
			continue
		}
		claims = append(claims, Claim{strings.TrimPrefix(d.Files[i].Name, "./"), sumOf(d.Files[i].Checksums, "SHA256")})
	}
	return claims
}

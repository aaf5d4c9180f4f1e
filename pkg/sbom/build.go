package sbom

import (
	"cmp"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Options are what all of a document has in common.
type Options struct {
	Name    string
	Created time.Time // that of what is described, not of the writing
	Tool    string    // what wrote it, as NAME-VERSION
}

// Artifact is something that is given away: a Debian package, a tarball, a release.
type Artifact struct {
	Name     string
	Version  string
	PURL     string
	FileName string // below the release's directory; "" for what is no single file
	SHA256   string // lower-case hexadecimal; with FileName
	SHA512   string
	Supplier string // "Organization: NAME (ADDRESS)"; "" where nobody is known
	Homepage string
	Summary  string
	License  string // SPDX expression that its makers declare; "" where nobody knows
	Purpose  string // primaryPackagePurpose: INSTALL, ARCHIVE, APPLICATION
}

// Content is a file with what is in it.
type Content struct {
	Name    string // path without "./" at its beginning
	SHA1    string // lower-case hexadecimal
	SHA256  string
	Program *Program // nil for what is no program in Go
	C       *CProgram
}

// Program is what is known of a Go program.
type Program struct {
	Info *debug.BuildInfo
	// Module tells what the build information does not know: the version of a module that was compiled from a directory,
	// the sum of one that was vendored, the licence that its makers declare. It may be nil.
	Module func(path, version string) Module
}

// Module is what is known of a Go module.
type Module struct {
	Version string // v1.2.3; "" leaves that of the build information
	Sum     string // "h1:…" as in go.sum
	License string // SPDX expression
}

// Builder puts a document together. Errors come with Document.
type Builder struct {
	options  Options
	packages map[string]Package
	files    map[string]File
	related  map[Relationship]bool
	top      string
	err      error
}

// New begins a document about an artifact.
func New(o Options, about Artifact) *Builder {
	b := &Builder{options: o, packages: map[string]Package{}, files: map[string]File{}, related: map[Relationship]bool{}}
	b.top = b.artifact(about)
	b.relate(documentID, describes, b.top)
	return b
}

// artifact adds an artifact and returns its identifier.
func (b *Builder) artifact(a Artifact) string {
	ref := id("Package", cmp.Or(a.FileName, a.Name))
	if _, twice := b.packages[ref]; twice {
		b.fail("artifact %s: comes twice", cmp.Or(a.FileName, a.Name))
	}
	p := Package{
		ID: ref, Name: a.Name, Version: a.Version, FileName: a.FileName, Supplier: cmp.Or(a.Supplier, noAssertion), DownloadLocation: noAssertion,
		Homepage: a.Homepage, Summary: a.Summary, Purpose: a.Purpose,
		LicenseConcluded: noAssertion, LicenseDeclared: cmp.Or(a.License, noAssertion), Copyright: noAssertion,
		References: []Reference{{"PACKAGE-MANAGER", "purl", a.PURL}},
	}
	if a.FileName != "" {
		p.Checksums = []Checksum{{"SHA256", a.SHA256}, {"SHA512", a.SHA512}}
	}
	b.packages[ref] = p
	return ref
}

// Part adds an artifact that is part of what the document is about.
func (b *Builder) Part(a Artifact) {
	b.relate(b.top, contains, b.artifact(a))
}

// Installs lists all files that what the document is about is made of, which have to be its contents without exception.
func (b *Builder) Installs(files []Content) {
	var sums []string
	for _, f := range files {
		b.relate(b.top, contains, b.file(f))
		sums = append(sums, f.SHA1)
	}
	slices.Sort(sums)
	code := sha1.Sum([]byte(strings.Join(sums, "")))
	p := b.packages[b.top]
	p.FilesAnalyzed, p.Verification = true, &Verification{hex.EncodeToString(code[:])}
	b.packages[b.top] = p
}

// File adds a file that belongs to what the document is about.
func (b *Builder) File(f Content) { b.relate(b.top, contains, b.file(f)) }

// Inside says that a file, added before, is also inside an artifact, added before.
func (b *Builder) Inside(artifactFile, name string) {
	b.relate(id("Package", artifactFile), contains, id("File", name))
}

// Nested says that an artifact is inside another one, both added before.
func (b *Builder) Nested(outer, inner string) {
	b.relate(id("Package", outer), contains, id("Package", inner))
}

// Unpacked says that files of a Debian package are inside an artifact, added before, such as an image.
func (b *Builder) Unpacked(artifactFile string, l Library) {
	b.relate(id("Package", artifactFile), contains, b.add(Package{
		ID: id("Debian", l.Name+"_"+l.Version+"_"+l.Architecture), Name: l.Name, Version: l.Version, LicenseDeclared: noAssertion, SourceInfo: l.Info,
		Checksums:  []Checksum{{"SHA256", l.SHA256}},
		References: []Reference{{"PACKAGE-MANAGER", "purl", DebPURL("debian", l.Name, l.Version, l.Architecture)}},
	}))
}

// Depends says that an artifact needs another one where it is installed, both added before.
func (b *Builder) Depends(artifactFile, onFile string) {
	b.relate(id("Package", artifactFile), dependsOn, id("Package", onFile))
}

// file adds a file, and what a program is made of.
func (b *Builder) file(f Content) string {
	ref := id("File", f.Name)
	if _, twice := b.files[ref]; twice {
		b.fail("file %s: comes twice", f.Name)
	}
	out := File{
		ID: ref, Name: "./" + f.Name, Checksums: []Checksum{{"SHA1", f.SHA1}, {"SHA256", f.SHA256}},
		LicenseConcluded: noAssertion, Copyright: noAssertion,
	}
	if f.Program != nil {
		out.Types = []string{"BINARY"}
		b.program(ref, f.Program)
	}
	if f.C != nil {
		out.Types = []string{"BINARY"}
		b.cProgram(ref, f.C)
	}
	b.files[ref] = out
	return ref
}

func (b *Builder) relate(element, kind, related string) {
	b.related[Relationship{element, kind, related}] = true
}

func (b *Builder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf(format, args...)
	}
}

// Document returns the document, sorted, under a namespace that its own digest makes unique.
func (b *Builder) Document() (*Document, error) {
	d := &Document{
		SPDXVersion: version, DataLicense: dataLicense, ID: documentID, Name: b.options.Name,
		Creation: Creation{Created: b.options.Created.UTC().Format(time.RFC3339), Creators: []string{"Tool: " + b.options.Tool}},
	}
	for _, p := range b.packages {
		d.Packages = append(d.Packages, p)
	}
	for _, f := range b.files {
		d.Files = append(d.Files, f)
	}
	for r := range b.related {
		d.Relationships = append(d.Relationships, r)
	}
	slices.SortFunc(d.Packages, func(x, y Package) int { return cmp.Compare(x.ID, y.ID) })
	slices.SortFunc(d.Files, func(x, y File) int { return cmp.Compare(x.Name, y.Name) })
	slices.SortFunc(d.Relationships, func(x, y Relationship) int {
		return cmp.Or(cmp.Compare(x.Element, y.Element), cmp.Compare(x.Type, y.Type), cmp.Compare(x.Related, y.Related))
	})
	plain, err := d.Marshal()
	if err = cmp.Or(b.err, err); err != nil {
		return nil, fmt.Errorf("SBOM %s: %w", b.options.Name, err)
	}
	// The form that SPDX gives to namespaces of creators without a site (6.5), with a digest for the UUID.
	sum := sha256.Sum256(plain)
	d.Namespace = "https://spdx.org/spdxdocs/" + escape(b.options.Name) + "-" + hex.EncodeToString(sum[:])
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("SBOM %s: %w", b.options.Name, err)
	}
	return d, nil
}

package sbom

import (
	"cmp"
	"runtime/debug"
	"strings"
)

// The standard library, under the name that Go's vulnerability database has for it.
const (
	stdlib        = "stdlib"
	stdlibLicense = "BSD-3-Clause" // LICENSE of the Go distribution
)

// devel is the version that build information has of a module compiled from a directory.
const devel = "(devel)"

// program adds the modules that a program is made of.
func (b *Builder) program(ref string, p *Program) {
	if p.Info.Main.Path != "" {
		b.relate(ref, generatedFrom, b.module(p, &p.Info.Main))
	}
	for _, m := range p.Info.Deps {
		b.relate(ref, staticLink, b.module(p, m))
	}
	release, _, _ := strings.Cut(strings.TrimPrefix(p.Info.GoVersion, "go"), " ") // what follows are experiments
	b.relate(ref, staticLink, b.add(Package{
		ID: id("Module", stdlib+"@"+release), Name: stdlib, Version: release, LicenseDeclared: stdlibLicense,
		SourceInfo: "the standard library of " + p.Info.GoVersion,
		References: []Reference{{"PACKAGE-MANAGER", "purl", GoPURL(stdlib, release)}},
	}))
}

// module adds a module, the one that replaces it where another one does.
func (b *Builder) module(p *Program, m *debug.Module) string {
	info, version := "", m.Version
	switch r := m.Replace; {
	case r == nil:
	case strings.HasPrefix(r.Path, ".") || strings.HasPrefix(r.Path, "/"): // a directory, which has no version and no sum
		version = ""
	default:
		info = "replaces " + strings.TrimSpace(m.Path+" "+m.Version) + "; "
		m, version = r, r.Version
	}
	if version == devel {
		version = ""
	}
	known := Module{}
	if p.Module != nil {
		known = p.Module(m.Path, version)
	}
	version = cmp.Or(version, known.Version)
	if sum := cmp.Or(m.Sum, known.Sum); sum != "" {
		// Not under checksums: it is over the names and digests of the module's files, not over its archive's bytes.
		info += "module sum, as go.sum has it: " + sum
	}
	return b.add(Package{
		ID: id("Module", m.Path+"@"+version), Name: m.Path, Version: version, SourceInfo: strings.TrimSuffix(info, "; "),
		LicenseDeclared: cmp.Or(known.License, noAssertion), References: []Reference{{"PACKAGE-MANAGER", "purl", GoPURL(m.Path, version)}},
	})
}

// add adds a library, or what its purpose says, unless it is there.
func (b *Builder) add(p Package) string {
	p.DownloadLocation, p.LicenseConcluded, p.Copyright, p.Purpose = noAssertion, noAssertion, noAssertion, cmp.Or(p.Purpose, "LIBRARY")
	if old, ok := b.packages[p.ID]; !ok || len(p.SourceInfo) > len(old.SourceInfo) {
		b.packages[p.ID] = p
	}
	return p.ID
}

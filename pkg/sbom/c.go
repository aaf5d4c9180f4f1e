package sbom

import "cmp"

// CProgram is what is known of a program in C.
type CProgram struct {
	Name    string
	Version string
	License string    // SPDX expression that its makers declare; "" where nobody knows
	Info    string    // where its source is from
	Sources []Content // its files; names are such as no artifact has
	// Libraries are what its compiler had to link it with. They are empty where a user's own compiler knows alone.
	Libraries []Library
}

// Library is a Debian package whose files are inside something else: static libraries in a program, all sorts in an image.
type Library struct {
	Name         string
	Version      string
	Architecture string
	SHA256       string // of the package, lower-case hexadecimal
	Info         string
}

// source is the type of files that programs are compiled from (8.3), and the purpose of packages with them (7.24).
const source = "SOURCE"

// cProgram adds what a program in C is made of.
func (b *Builder) cProgram(ref string, p *CProgram) {
	from := b.add(Package{
		ID: id("Source", p.Name+"@"+p.Version), Name: p.Name, Version: p.Version, LicenseDeclared: cmp.Or(p.License, noAssertion), SourceInfo: p.Info, Purpose: source,
		References: []Reference{{"PACKAGE-MANAGER", "purl", GenericPURL(p.Name, p.Version)}},
	})
	b.relate(ref, generatedFrom, from)
	for _, f := range p.Sources {
		file := id("File", f.Name)
		if _, there := b.files[file]; !there { // from the second platform on
			b.file(f)
			added := b.files[file]
			added.Types = []string{source}
			b.files[file] = added
		}
		b.relate(from, contains, file)
	}
	for _, l := range p.Libraries {
		b.relate(ref, staticLink, b.add(Package{
			ID: id("Library", l.Name+"@"+l.Version), Name: l.Name, Version: l.Version, LicenseDeclared: noAssertion, SourceInfo: l.Info,
			Checksums:  []Checksum{{"SHA256", l.SHA256}},
			References: []Reference{{"PACKAGE-MANAGER", "purl", DebPURL("debian", l.Name, l.Version, l.Architecture)}},
		}))
	}
}

package release

import (
	"context"
	"crypto/sha1"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"kubedist/pkg/deb"
	"kubedist/pkg/ledger"
	"kubedist/pkg/sbom"
)

// sbomFormat numbers what these documents say; another number has them made anew.
const sbomFormat = 2

// packageSBOM writes the document about one package: what it installs, and the modules in its programs.
func (a *attestor) packageSBOM(ctx context.Context, pkg Artifact) error {
	stem := strings.TrimSuffix(path.Base(pkg.Path), ".deb")
	options := sbom.Options{Name: stem, Created: a.trees[pkg.Source].Stamp.BuildDate, Tool: a.tool.String()}
	about := a.about(pkg)
	key := ledger.Key("package sbom", sbomFormat, options, about, a.trees[pkg.Source].Digest, a.trees[pkg.Source].Sums)
	out := Artifact{Path: "sbom/" + stem + ".spdx.json", Kind: SBOM, Name: pkg.Name, Version: pkg.Version, Platform: pkg.Platform, Source: pkg.Source, From: []string{pkg.Path}}
	_, err := a.document(ctx, out, key, func() ([]byte, error) {
		files, err := a.installed(ctx, pkg)
		if err != nil {
			return nil, err
		}
		b := sbom.New(options, about)
		b.Installs(files)
		return marshal(b)
	})
	return err
}

// about is an artifact as documents have it.
func (a *attestor) about(x Artifact) sbom.Artifact {
	source, _ := a.Spec.Source(x.Source)
	out := sbom.Artifact{
		Name: x.Name, Version: x.Version, FileName: x.Path, SHA256: x.SHA256, SHA512: x.SHA512, Supplier: a.supplier(),
		PURL: sbom.GenericPURL(x.Name, x.Version), Purpose: "ARCHIVE",
	}
	if x.Kind == ImageTar {
		out.Purpose = "CONTAINER"
	}
	if x.Kind != Deb {
		return out
	}
	out.License, out.Purpose = source.License, "INSTALL"
	for _, p := range a.plan.Platforms {
		for _, pkg := range p.Packages {
			if x.Path == "debs/"+pkg.File() {
				out.PURL = sbom.DebPURL(a.primary(), pkg.Name, pkg.Version, pkg.Architecture)
				out.Summary, out.Homepage = pkg.Spec.Summary, pkg.Spec.Homepage
			}
		}
	}
	return out
}

// installed reads what a package installs. Its programs are found among those of the release by their digest.
func (a *attestor) installed(ctx context.Context, pkg Artifact) ([]sbom.Content, error) {
	f, err := os.Open(a.path(ledger.File{Path: pkg.Path}))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, files, err := deb.Digests(ctx, f, deb.Limits{})
	if err != nil {
		return nil, err
	}
	if hex.EncodeToString(info.SHA256[:]) != pkg.SHA256 {
		return nil, fmt.Errorf("%s: changed while the release was made", pkg.Path)
	}
	programs := map[string]sbom.Content{}
	for _, from := range pkg.From {
		if programs[a.byPath[from].SHA256], err = a.program(a.byPath[from]); err != nil {
			return nil, err
		}
	}
	var contents []sbom.Content
	for _, file := range files {
		content := programs[file.SHA256]
		content.Name, content.SHA1, content.SHA256 = file.Name, file.SHA1, file.SHA256
		contents = append(contents, content)
	}
	return contents, nil
}

// program tells what a program of the release is made of.
func (a *attestor) program(x Artifact) (content sbom.Content, err error) {
	if known, ok := a.compilers.c[x.Name]; ok && x.Main == "" {
		content.C, err = a.cProgram(x, known)
	} else {
		content.Program, err = a.goProgram(x.Path)
	}
	return content, err
}

// goProgram reads what a program in Go says of itself.
func (a *attestor) goProgram(name string) (*sbom.Program, error) {
	info, err := buildinfo.ReadFile(filepath.Join(a.Dir(), filepath.FromSlash(name)))
	if err != nil {
		return nil, fmt.Errorf("build information of %s: %w", name, err)
	}
	source := a.byPath[name].Source
	sums, err := a.sums[source]()
	if err != nil {
		return nil, err
	}
	return &sbom.Program{Info: info, Module: a.module(source, sums)}, nil
}

// releaseSBOM writes the document about the whole release: its programs, and which packages and tarballs they are in.
func (a *attestor) releaseSBOM(ctx context.Context) error {
	primary := a.primary()
	source, _ := a.Spec.Source(primary)
	options := sbom.Options{Name: primary + "-" + a.plan.Version, Created: a.trees[primary].Stamp.BuildDate, Tool: a.tool.String()}
	about := sbom.Artifact{
		Name: primary, Version: a.plan.Version, PURL: sbom.GenericPURL(primary, a.plan.Version), Supplier: a.supplier(), License: source.License, Purpose: "APPLICATION",
	}
	parts := []any{"release sbom", sbomFormat, options, about, a.made}
	for _, name := range a.sourceNames() {
		parts = append(parts, a.trees[name].Digest, a.trees[name].Sums)
		if origins := a.origins(name); origins != nil {
			parts = append(parts, origins)
		}
	}
	for _, p := range a.plan.Platforms {
		for _, i := range p.Images {
			if base := a.bases[baseKey{i.Spec.Base, p.Name}]; base != nil {
				parts = append(parts, p.Name, i.Name, base.packages)
			}
		}
	}
	out := Artifact{Path: "sbom/" + options.Name + ".spdx.json", Kind: SBOM, Name: primary, Version: a.plan.Version, Source: primary}
	_, err := a.document(ctx, out, ledger.Key(parts...), func() ([]byte, error) {
		b := sbom.New(options, about)
		if err := a.addParts(ctx, b); err != nil {
			return nil, err
		}
		return marshal(b)
	})
	return err
}

// addParts adds all artifacts to the document about the release, and what is inside what.
func (a *attestor) addParts(ctx context.Context, b *sbom.Builder) error {
	for _, x := range a.made {
		if x.Kind == Blob {
			continue // what is in it is in the tars of the images
		}
		if x.Kind != Binary {
			b.Part(a.about(x))
			continue
		}
		content, err := a.program(x)
		if err != nil {
			return err
		}
		content.Name, content.SHA256 = x.Path, x.SHA256
		if content.SHA1, err = fileSHA1(ctx, a.path(ledger.File{Path: x.Path})); err != nil {
			return err
		}
		b.File(content)
	}
	for _, x := range a.made {
		for _, from := range x.From {
			if a.byPath[from].Kind == Binary {
				b.Inside(x.Path, from)
			} else {
				b.Nested(x.Path, from)
			}
		}
	}
	a.addBases(b)
	for _, p := range a.plan.Platforms {
		files := map[string]string{}
		for _, pkg := range p.Packages {
			files[pkg.Name] = "debs/" + pkg.File()
		}
		for _, pkg := range p.Packages {
			for _, relation := range pkg.Relations.Depends {
				for alternative := range strings.SplitSeq(relation, "|") {
					if words := strings.Fields(alternative); len(words) > 0 && files[words[0]] != "" {
						b.Depends("debs/"+pkg.File(), files[words[0]])
					}
				}
			}
		}
	}
	return nil
}

// addBases adds the Debian packages that images are built on.
func (a *attestor) addBases(b *sbom.Builder) {
	for _, p := range a.plan.Platforms {
		for _, i := range p.Images {
			base := a.bases[baseKey{i.Spec.Base, p.Name}]
			if base == nil {
				continue
			}
			declared, _ := a.Spec.Base(i.Spec.Base)
			for _, pkg := range base.packages {
				b.Unpacked(imageTar(p, i), sbom.Library{
					Name: pkg.Package, Version: pkg.Version, Architecture: pkg.Architecture, SHA256: pkg.SHA256, Info: "unpacked from Debian " + declared.Suite,
				})
			}
		}
	}
}

func marshal(b *sbom.Builder) ([]byte, error) {
	d, err := b.Document()
	if err != nil {
		return nil, err
	}
	return d.Marshal()
}

// fileSHA1 digests a file for SPDX, which asks for this digest of every file.
func fileSHA1(ctx context.Context, name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha1.New()
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if _, err := io.CopyN(h, f, 16<<20); errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil)), nil
		} else if err != nil {
			return "", fmt.Errorf("digest of %s: %w", name, err)
		}
	}
}

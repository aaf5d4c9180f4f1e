package release

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"kubedist/pkg/changes"
	"kubedist/pkg/deb822"
	"kubedist/pkg/gocmd"
	"kubedist/pkg/ledger"
)

// uploads writes a .buildinfo and a .changes for every package name and version, for all its architectures. Packages
// here are their own source packages, as they name no other.
func (a *attestor) uploads(ctx context.Context) error {
	type source struct{ name, version string }
	planned := map[source][]Package{}
	for _, p := range a.plan.Platforms {
		for _, pkg := range p.Packages {
			s := source{pkg.Name, pkg.Version}
			planned[s] = append(planned[s], pkg)
		}
	}
	var sources []source
	for s := range planned {
		sources = append(sources, s)
	}
	slices.SortFunc(sources, func(x, y source) int { return cmp.Or(cmp.Compare(x.name, y.name), cmp.Compare(x.version, y.version)) })
	for _, s := range sources {
		if err := a.upload(ctx, planned[s]); err != nil {
			return fmt.Errorf("upload of %s %s: %w", s.name, s.version, err)
		}
	}
	return nil
}

// upload writes the two files for the packages of one source. Both are signed with the key that signs the packages, and
// with it alone: tools that check uploads refuse a second signature by a key that they do not know.
func (a *attestor) upload(ctx context.Context, planned []Package) error {
	slices.SortFunc(planned, func(x, y Package) int { return cmp.Compare(x.Architecture, y.Architecture) })
	first := planned[0]
	tree := a.trees[first.Spec.Source]
	u := &changes.Upload{Source: first.Name, Version: first.Version, Maintainer: a.Maintainer, Date: tree.Stamp.BuildDate}
	log, err := a.changelog(first)
	if err != nil {
		return err
	}
	if u.Entry, err = changes.ParseEntry(log, u.Source, u.Version); err != nil {
		return err
	}
	var from []string
	for _, pkg := range planned {
		made := a.byPath["debs/"+pkg.File()]
		file := changes.File{Name: pkg.File(), Size: made.Size, SHA256: made.SHA256}
		u.Packages = append(u.Packages, changes.Package{
			Name: pkg.Name, Architecture: pkg.Architecture, Section: pkg.Spec.Section, Priority: pkg.Spec.Priority, Summary: pkg.Spec.Summary, File: file,
		})
		from = append(from, made.Path)
	}
	build := a.build(first.Spec.Source)
	key := ledger.Key("upload", 1, u, log, build, a.Signer.Fingerprint())
	digest := sync.OnceValue(func() error { return a.digestPackages(ctx, u) })
	artifact := Artifact{Path: "debs/" + u.Name(".buildinfo"), Kind: BuildInfo, Name: u.Source, Version: u.Version, Source: first.Spec.Source, From: from}
	info, err := a.document(ctx, artifact, key, func() ([]byte, error) {
		if err := digest(); err != nil {
			return nil, err
		}
		text, err := u.BuildInfo(build)
		return a.clearsigned(ctx, text, u.Date, err)
	})
	if err != nil {
		return err
	}
	artifact.Path, artifact.Kind, artifact.From = "debs/"+u.Name(".changes"), Changes, append(slices.Clone(from), info.Path)
	_, err = a.document(ctx, artifact, ledger.Key(key, info.SHA256), func() ([]byte, error) {
		if err := digest(); err != nil {
			return nil, err
		}
		beside, err := changes.OfFile(ctx, a.path(info))
		if err != nil {
			return nil, err
		}
		text, err := u.Changes(beside)
		return a.clearsigned(ctx, text, u.Date, err)
	})
	return err
}

// clearsigned signs the text of a file, unless there is an error already.
func (a *attestor) clearsigned(ctx context.Context, text []byte, at time.Time, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return a.Signer.Clearsign(ctx, text, signingTime(at, a.Signer))
}

// digestPackages fills in the digests that the release does not have of its packages.
func (a *attestor) digestPackages(ctx context.Context, u *changes.Upload) error {
	for i := range u.Packages {
		p := &u.Packages[i]
		file, err := changes.OfFile(ctx, a.path(ledger.File{Path: "debs/" + p.File.Name}))
		if err != nil {
			return err
		}
		if file.SHA256 != p.File.SHA256 {
			return fmt.Errorf("%s: changed while the release was made", file.Name)
		}
		p.File = file
	}
	return nil
}

// changelog is that of a package, or one that says as much where it has none.
func (a *attestor) changelog(planned Package) (string, error) {
	x := &expander{run: a.run, planned: planned, tree: a.trees[planned.Spec.Source]}
	for _, c := range planned.Spec.Contents {
		if c.Template != "" && strings.HasPrefix(path.Base(target(c, c.Template)), "changelog") {
			text, err := x.template(c.Template)
			return string(text), err
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s (%s) stable; urgency=medium\n\n  * %s %s.\n\n", planned.Name, planned.Version, planned.Spec.Source, x.tree.Stamp.Version)
	fmt.Fprintf(&b, " -- %s  %s\n", a.Maintainer, x.tree.Stamp.BuildDate.UTC().Format(time.RFC1123Z))
	return b.String(), nil
}

// build is what the packages of a source are built with.
func (a *attestor) build(name string) changes.Build {
	tree := a.trees[name]
	architecture := a.Selection.Host.OS + "-" + a.Selection.Host.Arch
	if host, ok := a.Spec.Platform(a.Selection.Host); ok && host.Debian != "" {
		architecture = host.Debian
	}
	used := a.chains[name]
	toolchain := used.Version
	if used.Module != "" {
		toolchain += " (" + strings.TrimSpace(gocmd.ToolchainModule+" "+used.Module+" "+used.Sum) + ")"
	}
	source, _ := a.Spec.Source(name)
	origin := source.Module + " " + tree.Stamp.Version
	for _, s := range tree.Sums {
		if s.Module == source.Module {
			origin += " " + s.Sum
		}
	}
	b := changes.Build{
		Architecture: architecture, Environment: map[string]string{"SOURCE_DATE_EPOCH": strconv.FormatInt(tree.Stamp.BuildDate.Unix(), 10)},
		Tools: []deb822.Field{
			{Name: "Build-Tool", Value: strings.TrimSpace("kubedist " + a.tool.Version + " " + a.tool.Commit)},
			{Name: "Build-Tool-Go", Value: a.tool.Go},
			{Name: "Build-Go", Value: toolchain},
			{Name: "Build-Source", Value: origin},
		},
	}
	if root := a.compilers.roots[a.compilers.linked[name]]; root != nil {
		for _, p := range root.toolchain.Locked {
			b.Packages = append(b.Packages, p.Package+" (= "+p.Version+")")
		}
	}
	if tree.Stamp.Commit != "" {
		b.Tools = append(b.Tools, deb822.Field{Name: "Build-Source-Commit", Value: tree.Stamp.Commit})
	}
	return b
}

package release

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/semver"
	"kubedist/pkg/deb"
	"kubedist/pkg/hint"
	"kubedist/pkg/platform"
	"kubedist/pkg/spec"
)

// SelectionError is an error about what was asked for: a version, platform or package that there is not.
type SelectionError struct{ err error }

func (e *SelectionError) Error() string { return e.err.Error() }
func (e *SelectionError) Unwrap() error { return e.err }

// checkVersion reports what is no version of a release.
func checkVersion(version string) error {
	if semver.Canonical(version) == version && version != "" {
		return nil
	}
	return &SelectionError{hint.Errorf("give one such as v1.36.3", "version %q: not a version", version)}
}

// NewPlan plans a release. Its errors are a SelectionError.
func NewPlan(s *spec.Spec, in Inputs, sel Selection) (*Plan, error) {
	plan, err := newPlan(s, in, sel)
	if err != nil {
		return nil, &SelectionError{err}
	}
	return plan, nil
}

func newPlan(s *spec.Spec, in Inputs, sel Selection) (*Plan, error) {
	if err := checkVersion(in.Version); err != nil {
		return nil, err
	}
	profile, err := profile(s, sel.Profile)
	if err != nil {
		return nil, err
	}
	pl := &planner{spec: s, in: in, sel: sel, profile: profile}
	platforms, err := pl.platforms()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(pl.checkKinds(), pl.checkPackages(), pl.checkPrograms(), pl.checkImages()); err != nil {
		return nil, err
	}
	plan := &Plan{Version: in.Version}
	for _, p := range platforms {
		planned, err := pl.platform(p)
		if err != nil {
			return nil, err
		}
		if len(planned.Compiles) > 0 {
			plan.Platforms = append(plan.Platforms, planned)
		}
	}
	if len(plan.Platforms) == 0 {
		return nil, hint.Errorf("leave out --platform, --package, --program or --image", "nothing to make: none of what was selected is for any of the platforms")
	}
	plan.Documents = pl.documents(plan.Platforms)
	if pl.wantsCoverage() && slices.ContainsFunc(plan.Platforms, func(p Platform) bool { return len(p.Images) > 0 }) {
		plan.Coverage = s.Coverage
	}
	if err := pl.addTools(plan); err != nil {
		return nil, err
	}
	for _, t := range s.Tarballs {
		if len(t.Roles) == 0 && pl.wantsTarballs() {
			plan.Tarballs = append(plan.Tarballs, Tarball{Spec: t, Name: t.Name})
		}
	}
	return plan, uniqueNames(plan)
}

type planner struct {
	spec *spec.Spec
	in   Inputs
	sel  Selection

	profile spec.Profile
}

// profile returns the profile called name; "" is that of programs that are linked as they say themselves.
func profile(s *spec.Spec, name string) (spec.Profile, error) {
	p, ok := s.Profile(name)
	if name == "" || ok {
		return p, nil
	}
	var known []string
	for _, p := range s.Profiles {
		known = append(known, p.Name)
	}
	return p, &SelectionError{hint.Errorf("choose from "+strings.Join(known, ", "), "profile %s: not in specs/profiles.yaml", name)}
}

// platforms returns the selected platforms, those of the building machine first: its programs write the documents that
// the packages of all platforms wait for.
func (pl *planner) platforms() ([]spec.Platform, error) {
	var list []spec.Platform
	for _, id := range pl.sel.Platforms {
		p, ok := pl.spec.Platform(id)
		if !ok {
			var known []string
			for _, p := range pl.spec.Platforms {
				known = append(known, p.ID.String())
			}
			return nil, hint.Errorf("choose from "+strings.Join(known, ", "), "platform %s: not in specs/platforms.yaml", id)
		}
		if !slices.ContainsFunc(list, func(q spec.Platform) bool { return q.ID == id }) {
			list = append(list, p)
		}
	}
	if len(list) == 0 {
		list = slices.Clone(pl.spec.Platforms)
	}
	slices.SortStableFunc(list, func(a, b spec.Platform) int {
		rank := func(p spec.Platform) int {
			switch {
			case p.ID == pl.sel.Host:
				return 0
			case p.Serves([]spec.Role{spec.Node, spec.Server}):
				return 1
			}
			return 2
		}
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return platform.Compare(a.ID, b.ID)
	})
	return list, nil
}

func (pl *planner) platform(p spec.Platform) (Platform, error) {
	out := Platform{Platform: p.Platform, Name: p.ID.String(), Compiles: []Compile{}, Packages: []Package{}, Tarballs: []Tarball{}}
	for _, b := range pl.spec.Binaries {
		if b.Absent == "" && p.Serves(b.Roles) && pl.wantsBinary(b) {
			if err := pl.addPrograms(&out, b, false); err != nil {
				return out, err
			}
		}
	}
	for _, pkg := range pl.spec.Packages {
		if !pl.sel.Until.packages() || p.Debian == "" || !p.Serves(pkg.Roles) || !pl.wantsPackage(pkg.Name) {
			continue
		}
		planned, err := pl.pkg(pkg, p)
		if err != nil {
			return out, err
		}
		out.Packages = append(out.Packages, planned)
	}
	for _, i := range pl.spec.Images {
		if i.For(p) && pl.wantsImage(i) {
			out.Images = append(out.Images, pl.image(i, out.Compiles))
		}
	}
	for _, t := range pl.spec.Tarballs {
		if !pl.wantsTarballs() || !p.Serves(t.Roles) {
			continue
		}
		planned, err := pl.tarball(t, p, out)
		if err != nil {
			return out, err
		}
		out.Tarballs = append(out.Tarballs, planned)
	}
	return out, nil
}

func (pl *planner) pkg(p spec.Package, on spec.Platform) (Package, error) {
	version := pl.in.Versions[p.Source]
	relations, err := p.RelationsFor(version)
	if err != nil {
		return Package{}, err
	}
	if slices.ContainsFunc(p.Contents, func(c spec.Content) bool {
		b, ok := pl.spec.Binary(c.Binary)
		return ok && pl.profile.LinkOf(b, version, on.ID) == spec.CLinked
	}) {
		relations.Depends = slices.Concat(relations.Depends, pl.profile.Cgo.Depends)
	}
	source, _ := pl.spec.Source(p.Source)
	return Package{
		Spec: p, Name: p.Name, Version: deb.Version(version, pl.sel.Revision), Architecture: on.Debian,
		Relations: relations, Companion: !source.Primary(),
	}, nil
}

func (pl *planner) tarball(t spec.Tarball, p spec.Platform, on Platform) (Tarball, error) {
	name, err := expand(t.Name, map[string]string{"OS": p.ID.OS, "Arch": p.ID.Arch, "Variant": p.ID.Variant})
	if err != nil {
		return Tarball{}, fmt.Errorf("tarball %s: %w", t.Name, err)
	}
	out := Tarball{Spec: t, Name: name}
	for _, item := range t.Contents {
		for _, binary := range item.Binaries {
			found := programsOf(on.Compiles, binary)
			for _, program := range found {
				out.Programs = append(out.Programs, program.Name)
			}
			if len(found) == 0 {
				out.Missing = append(out.Missing, binary)
			}
		}
		for _, name := range item.Images {
			if slices.ContainsFunc(on.Images, func(i Image) bool { return i.Name == name }) {
				out.Images = append(out.Images, name)
			} else {
				out.Missing = append(out.Missing, name+".tar")
			}
		}
	}
	return out, nil
}

// image plans an image. Tags have no "+", which versions may have; the official ones have "_" there.
func (pl *planner) image(i spec.Image, compiles []Compile) Image {
	tag := cmp.Or(pl.in.Tags[i.Name], pl.in.Versions[i.Source])
	out := Image{Spec: i, Name: i.Name, Version: tag, Reference: i.Repository + ":" + strings.ReplaceAll(tag, "+", "_")}
	for _, c := range i.Contents {
		for _, program := range programsOf(compiles, c.Binary) {
			out.Programs = append(out.Programs, program.Name)
		}
	}
	return out
}

// documents returns the names of the documents that the planned packages hold, in the spec's order.
func (pl *planner) documents(platforms []Platform) []string {
	used := map[string]bool{}
	for _, p := range platforms {
		for _, pkg := range p.Packages {
			for _, c := range pkg.Spec.Contents {
				used[c.Document] = true
			}
		}
	}
	names := []string{}
	for _, d := range pl.spec.Documents {
		if used[d.Name] {
			names = append(names, d.Name)
		}
	}
	return names
}

// uniqueNames makes sure that no two steps write the same file.
func uniqueNames(plan *Plan) error {
	seen := map[string]string{}
	for _, t := range plan.Tarballs {
		seen[t.Name] = "all platforms"
	}
	note := func(name, who string) error {
		if other, ok := seen[name]; ok {
			return fmt.Errorf("file %s: made by %s and by %s", name, other, who)
		}
		seen[name] = who
		return nil
	}
	for _, p := range plan.Platforms {
		for _, pkg := range p.Packages {
			if err := note(pkg.File(), p.Name); err != nil {
				return err
			}
		}
		for _, t := range p.Tarballs {
			if err := note(t.Name, p.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

package release

import (
	"fmt"
	"slices"
	"strings"

	"kubedist/pkg/hint"
	"kubedist/pkg/spec"
)

// checkKinds refuses to select by several kinds of things at once: each means these and nothing else.
func (pl *planner) checkKinds() error {
	var kinds []string
	for _, k := range []struct {
		name string
		list []string
	}{{"packages", pl.sel.Packages}, {"programs", pl.sel.Programs}, {"images", pl.sel.Images}} {
		if len(k.list) > 0 {
			kinds = append(kinds, k.name)
		}
	}
	if len(kinds) > 1 {
		return hint.Errorf("select by one of them, and run kubedist again for the other", "%s: selected together, and each means these and nothing else", strings.Join(kinds, " and "))
	}
	return nil
}

func (pl *planner) checkPackages() error {
	for _, name := range pl.sel.Packages {
		if !slices.ContainsFunc(pl.spec.Packages, func(p spec.Package) bool { return p.Name == name }) {
			var known []string
			for _, p := range pl.spec.Packages {
				known = append(known, p.Name)
			}
			return hint.Errorf("choose from "+strings.Join(known, ", "), "package %s: not in specs/packages", name)
		}
	}
	return nil
}

// checkPrograms refuses programs that there are not, and those that no build makes.
func (pl *planner) checkPrograms() error {
	for _, name := range pl.sel.Programs {
		b, ok := pl.spec.Binary(name)
		switch {
		case !ok || len(b.Roles) == 0:
			return hint.Errorf("specs/binaries.yaml lists them", "program %s: not in specs/binaries.yaml", name)
		case b.Absent != "":
			return fmt.Errorf("program %s: %s", name, b.Absent)
		}
	}
	return nil
}

// checkImages refuses images that there are not.
func (pl *planner) checkImages() error {
	for _, name := range pl.sel.Images {
		if _, ok := pl.spec.Image(name); !ok {
			var known []string
			for _, i := range pl.spec.Images {
				known = append(known, i.Name)
			}
			return hint.Errorf("choose from "+strings.Join(known, ", "), "image %s: not in specs/images.yaml", name)
		}
	}
	return nil
}

func (pl *planner) wantsPackage(name string) bool {
	if len(pl.sel.Programs)+len(pl.sel.Images) > 0 {
		return false
	}
	return len(pl.sel.Packages) == 0 || slices.Contains(pl.sel.Packages, name)
}

// wantsTarballs reports whether tarballs are made: those who select something else want just that.
func (pl *planner) wantsTarballs() bool {
	return pl.sel.Until.tarballs() && len(pl.sel.Packages)+len(pl.sel.Programs)+len(pl.sel.Images) == 0
}

// wantsImage reports whether i is made. Those who want tarballs alone get the images that are inside.
func (pl *planner) wantsImage(i spec.Image) bool {
	switch {
	case pl.sel.NoImages || !pl.sel.Until.MakesImages() || len(pl.sel.Programs)+len(pl.sel.Packages) > 0:
		return false
	case len(pl.sel.Images) > 0:
		return slices.Contains(pl.sel.Images, i.Name)
	case pl.sel.Until == Tars:
		return pl.inTarball(func(item spec.TarballItem) bool { return slices.Contains(item.Images, i.Name) })
	}
	return !i.OnRequest
}

// wantsCoverage reports whether programs are asked which images they want: a selection of images covers nothing.
func (pl *planner) wantsCoverage() bool {
	return !pl.sel.NoImages && (pl.sel.Until == Images || pl.sel.Until == Publish) && len(pl.sel.Packages)+len(pl.sel.Programs)+len(pl.sel.Images) == 0
}

// wantsBinary reports whether b is built: everything is that a release holds, unless programs are selected, or packages or
// images, when only theirs are.
func (pl *planner) wantsBinary(b spec.Binary) bool {
	switch {
	case len(pl.sel.Programs) > 0:
		return slices.Contains(pl.sel.Programs, b.Name)
	case len(pl.sel.Packages) > 0:
		return slices.ContainsFunc(pl.spec.Packages, func(p spec.Package) bool { return pl.wantsPackage(p.Name) && packages(p, b) })
	case len(pl.sel.Images) > 0 || pl.sel.Until == Images:
		return slices.ContainsFunc(pl.spec.Images, func(i spec.Image) bool { return pl.wantsImage(i) && holds(i, b) })
	}
	return !pl.forNothing(b)
}

// forNothing reports whether b is of use only in images, and none of these is made.
func (pl *planner) forNothing(b spec.Binary) bool {
	inImages := false
	for _, i := range pl.spec.Images {
		if holds(i, b) {
			if pl.wantsImage(i) || pl.sel.Until == Build && !i.OnRequest && !pl.sel.NoImages {
				return false
			}
			inImages = true
		}
	}
	return inImages && !pl.inTarball(func(item spec.TarballItem) bool { return slices.Contains(item.Binaries, b.Name) }) &&
		!slices.ContainsFunc(pl.spec.Packages, func(p spec.Package) bool { return packages(p, b) })
}

// inTarball reports whether an item of a tarball's layout is like that.
func (pl *planner) inTarball(like func(spec.TarballItem) bool) bool {
	return slices.ContainsFunc(pl.spec.Tarballs, func(t spec.Tarball) bool { return slices.ContainsFunc(t.Contents, like) })
}

func packages(p spec.Package, b spec.Binary) bool {
	return slices.ContainsFunc(p.Contents, func(c spec.Content) bool { return c.Binary == b.Name })
}

func holds(i spec.Image, b spec.Binary) bool {
	return slices.ContainsFunc(i.Contents, func(c spec.ImageContent) bool { return c.Binary == b.Name })
}

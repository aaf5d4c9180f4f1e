package closure

import (
	"cmp"
	"context"
	"slices"

	"kubedist/pkg/hint"
	"kubedist/pkg/spec"
)

// ResolveBase returns the packages of a base for every one of architectures, as [spec.Base] keeps them in Locked, whose
// own is not looked at. A package for all architectures is there once: it is refused when some architecture can do
// without it, or needs another version of it.
func (s *Suite) ResolveBase(ctx context.Context, base spec.Base, architectures []string) ([]spec.Locked, error) {
	var list []spec.Locked
	users := map[spec.Locked]int{} // of packages for all
	for _, architecture := range architectures {
		resolved, err := s.Resolve(ctx, Request{Architecture: architecture, Packages: base.Packages, Lacks: base.Lacks})
		if err != nil {
			return nil, err
		}
		for _, p := range resolved {
			if p.Architecture == "all" {
				users[p]++
			}
			if p.Architecture != "all" || users[p] == 1 {
				list = append(list, p)
			}
		}
	}
	slices.SortFunc(list, func(a, b spec.Locked) int {
		return cmp.Or(cmp.Compare(a.Architecture, b.Architecture), cmp.Compare(a.Package, b.Package), cmp.Compare(a.Version, b.Version))
	})
	for _, p := range list {
		if n := users[p]; p.Architecture == "all" && n < len(architectures) {
			return nil, hint.Errorf("ask for the package by name, or leave it out below without", "package %s %s: is for all architectures, and %d of %d need it",
				p.Package, p.Version, n, len(architectures))
		}
	}
	return list, nil
}

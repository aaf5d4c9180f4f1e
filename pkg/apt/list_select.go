package apt

import (
	"slices"

	"kubedist/pkg/deb"
)

// Select gives those of a list that any of the selectors selects, with the architectures that it selects of each. No
// selectors select everything.
func Select(list []Listing, selectors []Selector) []Listing {
	if len(selectors) == 0 {
		return list
	}
	selected := []Listing{}
	for _, l := range list {
		var archs []string
		for _, arch := range l.Architectures {
			e := &entry{name: l.Package, version: l.Version, arch: arch}
			if slices.ContainsFunc(selectors, func(s Selector) bool { return s.selects(e) }) {
				archs = append(archs, arch)
			}
		}
		if len(archs) > 0 {
			l.Architectures = archs
			selected = append(selected, l)
		}
	}
	return selected
}

// PackageVersions are the versions of one package in a suite.
type PackageVersions struct {
	Suite     string `json:"suite"`
	Component string `json:"component"`
	Package   string `json:"package"`
	// Versions are by architecture, the newest first; "all" for those that are the same for all.
	Versions map[string][]string `json:"versions"`
}

// ByArchitecture sorts a list of [List] in another way: a package to each suite, with the versions of each architecture.
// The order of suites and packages stays.
func ByArchitecture(list []Listing) []PackageVersions {
	type subject struct{ suite, component, name string }
	at := map[subject]int{}
	packages := []PackageVersions{}
	for _, l := range list {
		s := subject{l.Suite, l.Component, l.Package}
		i, seen := at[s]
		if !seen {
			i = len(packages)
			at[s] = i
			packages = append(packages, PackageVersions{Suite: l.Suite, Component: l.Component, Package: l.Package, Versions: map[string][]string{}})
		}
		for _, arch := range l.Architectures {
			packages[i].Versions[arch] = append(packages[i].Versions[arch], l.Version)
		}
	}
	for _, p := range packages {
		for _, versions := range p.Versions {
			slices.SortStableFunc(versions, func(a, b string) int { return deb.Compare(b, a) })
		}
	}
	return packages
}

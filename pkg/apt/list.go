package apt

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"kubedist/pkg/deb"
)

// Listing is one version of a package in a suite.
type Listing struct {
	Suite         string   `json:"suite"`
	Component     string   `json:"component"`
	Package       string   `json:"package"`
	Version       string   `json:"version"`
	Architectures []string `json:"architectures"` // that have it, sorted; "all" for a package that is the same for all, "source" for a source package
}

// List gives what an archive's suites hold: suites in the definition's order, then packages by name and version. Names
// narrow it to some suites. It takes no lock: while someone else publishes, it sees each suite as it was before or as it
// is after.
func List(ctx context.Context, o Options, names ...string) ([]Listing, error) {
	t, err := loadTree(o.Root, o.Definition, true)
	if err != nil {
		return nil, fmt.Errorf("archive %s: %w", o.Root, err)
	}
	for _, name := range names {
		if !slices.ContainsFunc(t.suites, func(s *suite) bool { return s.name == name }) {
			return nil, fmt.Errorf("archive %s: no suite %s", o.Root, name)
		}
	}
	all := []Listing{}
	for _, s := range t.suites {
		if len(names) > 0 && !slices.Contains(names, s.name) {
			continue
		}
		listed, err := t.list(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("archive %s: %w", o.Root, err)
		}
		all = append(all, listed...)
	}
	return all, nil
}

func (t *tree) list(ctx context.Context, s *suite) ([]Listing, error) {
	type version struct{ component, name, version string }
	archs := map[version][]string{}
	for _, key := range s.keys() {
		x, err := t.index(ctx, s, key)
		if err != nil {
			return nil, err
		}
		for i := range x.entries {
			e := &x.entries[i]
			v := version{key.component, e.name, e.version}
			if !slices.Contains(archs[v], e.arch) {
				archs[v] = append(archs[v], e.arch)
			}
		}
	}
	for _, component := range s.sourceComponents() {
		x, err := t.sources(ctx, s, component)
		if err != nil {
			return nil, err
		}
		for _, source := range x.sources {
			v := version{component, source.name, source.version}
			archs[v] = append(archs[v], archSource)
		}
	}
	list := make([]Listing, 0, len(archs))
	for v, a := range archs {
		slices.Sort(a)
		list = append(list, Listing{Suite: s.name, Component: v.component, Package: v.name, Version: v.version, Architectures: a})
	}
	slices.SortFunc(list, func(a, b Listing) int {
		return cmp.Or(cmp.Compare(a.Package, b.Package), deb.Compare(a.Version, b.Version), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Component, b.Component))
	})
	return list, nil
}

// Published lists the suites that are published, those of the definition in its order, then any others by name.
func (t *Transaction) Published() []string {
	names := []string{}
	if t.tree == nil {
		return names
	}
	for _, s := range t.tree.suites {
		if s.release != nil {
			names = append(names, s.name)
		}
	}
	return names
}

package closure

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"kubedist/pkg/apt"
	"kubedist/pkg/deb"
	"kubedist/pkg/hint"
	"kubedist/pkg/spec"
)

// offer is one way to have a name: a package of that name, or one that provides it (Policy 7.5).
type offer struct {
	version string // "" for a virtual package that has none
	from    *candidate
}

func (o offer) meets(want apt.Selector) bool {
	return want.Meets(o.version, o.from.Architecture, func() bool { return o.from.allowsAny })
}

// offersOf lists what there is by every name, the packages of the name itself first, each with the highest version first.
// What is equal in that is in the order of names, so that the order of the index decides nothing.
func offersOf(packages []*candidate) map[string][]offer {
	all := map[string][]offer{}
	for _, c := range packages {
		all[c.Package] = append(all[c.Package], offer{c.Version, c})
		for _, p := range c.provides {
			if p.Relation == "" || p.Relation == "=" {
				all[p.Package] = append(all[p.Package], offer{p.Version, c})
			}
		}
	}
	for name, list := range all {
		slices.SortStableFunc(list, func(a, b offer) int {
			if itself, other := a.from.Package == name, b.from.Package == name; itself != other {
				if itself {
					return -1
				}
				return 1
			}
			return cmp.Or(deb.Compare(b.from.Version, a.from.Version), cmp.Compare(a.from.Package, b.from.Package))
		})
	}
	return all
}

// resolver chooses packages. It goes on after a problem, to find them all.
type resolver struct {
	lacks    func(name string) bool
	offers   map[string][]offer
	chosen   map[string]*candidate
	queue    []*candidate
	problems []error
}

func newResolver(packages []*candidate, lacks func(name string) bool) *resolver {
	if lacks == nil {
		lacks = func(string) bool { return false }
	}
	return &resolver{lacks: lacks, offers: offersOf(packages), chosen: map[string]*candidate{}}
}

// want chooses the package of a name that is asked for.
func (r *resolver) want(name string) {
	list := r.offers[name]
	if len(list) == 0 || list[0].from.Package != name {
		r.problems = append(r.problems, hint.Errorf("check the packages that are asked for, and the architecture", "package %s: there is none", name))
		return
	}
	r.choose(list[0].from)
}

func (r *resolver) choose(c *candidate) {
	if r.chosen[c.Package] == nil {
		r.chosen[c.Package] = c
		r.queue = append(r.queue, c)
	}
}

// run chooses what the chosen depend on, in the order in which they were chosen.
func (r *resolver) run() {
	for len(r.queue) > 0 {
		c := r.queue[0]
		r.queue = r.queue[1:]
		for _, d := range c.depends {
			r.meet(c, d)
		}
	}
}

// meet sees to it that a dependency is met: by what is chosen already or left out on purpose, else by the first
// alternative that there is.
func (r *resolver) meet(c *candidate, d apt.Dependency) {
	var first *candidate
	for _, want := range d.Alternatives {
		if r.lacks(want.Package) {
			return
		}
		for _, o := range r.offers[want.Package] {
			switch {
			case !o.meets(want):
			case r.lacks(o.from.Package), r.chosen[o.from.Package] == o.from:
				return
			case first == nil && r.chosen[o.from.Package] == nil:
				first = o.from
			}
		}
	}
	if first == nil {
		r.problems = append(r.problems, fmt.Errorf("package %s: nothing meets its dependency %s", c.Package, d.Text))
		return
	}
	r.choose(first)
}

// conflicts finds chosen packages that cannot be together. A package may conflict with a name that it provides itself.
func (r *resolver) conflicts() {
	for _, name := range slices.Sorted(maps.Keys(r.chosen)) {
		c := r.chosen[name]
		for _, d := range c.conflicts {
			for _, with := range d.Alternatives {
				for _, o := range r.offers[with.Package] {
					if o.from != c && r.chosen[o.from.Package] == o.from && o.meets(with) {
						r.problems = append(r.problems, fmt.Errorf("package %s: cannot be together with %s %s", name, o.from.Package, o.from.Version))
					}
				}
			}
		}
	}
}

// locked lists the chosen, sorted by name.
func (r *resolver) locked() []spec.Locked {
	var all []spec.Locked
	for _, name := range slices.Sorted(maps.Keys(r.chosen)) {
		all = append(all, r.chosen[name].Locked)
	}
	return all
}

package apt

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// unsatisfied finds the dependencies of Kubernetes packages that no user could install, because nothing in the suite
// provides them and the definition does not declare that the distribution does: of packages that were added, and of
// packages whose dependency was removed. Other packages may depend on anything a distribution has, which this package
// cannot know.
func (p *publication) unsatisfied(ctx context.Context) ([]*Problem, error) {
	type key struct{ name, version, problem string }
	var found []inSuite
	for _, d := range p.drafts {
		if d.past != &d.suite.place {
			continue
		}
		var order []key
		first, archs := map[key]unmet{}, map[key][]string{}
		for _, arch := range p.tree.def.Architectures {
			lacks, err := p.unsatisfiedOn(ctx, d.suite, arch)
			if err != nil {
				return nil, err
			}
			for _, u := range lacks {
				k := key{u.entry.name, u.entry.version, u.err.Error()}
				if archs[k] == nil {
					order, first[k] = append(order, k), u
				}
				archs[k] = append(archs[k], arch)
			}
		}
		for _, k := range order {
			found = append(found, inSuite{d.suite.name, fmt.Errorf("%s %s (%s): %w", k.name, k.version, strings.Join(archs[k], " "), first[k].err)})
		}
	}
	return acrossSuites(RefuseDependency, found), nil
}

// unsatisfiedOn looks at one architecture of a suite, when something was added to it or removed from it.
func (p *publication) unsatisfiedOn(ctx context.Context, s *suite, arch string) ([]unmet, error) {
	fresh, lost := map[*entry]bool{}, offers{}
	for _, component := range p.tree.def.Components {
		if x := s.indices[indexKey{component, arch}]; x != nil {
			for _, e := range x.added {
				if p.tree.def.isKubernetes(e.name) {
					fresh[e] = true
				}
			}
			for _, e := range x.lost {
				lost.add(e)
			}
		}
	}
	if len(fresh) == 0 && len(lost) == 0 {
		return nil, nil
	}
	entries, err := p.tree.entries(ctx, s, arch)
	if err != nil {
		return nil, err
	}
	offers := offers{}
	for _, e := range entries {
		offers.add(e)
	}
	var all []unmet
	for _, e := range entries {
		if !fresh[e] && (len(lost) == 0 || !p.tree.def.isKubernetes(e.name)) {
			continue
		}
		lacks := offers.unmet(e, arch, p.tree.def.distribution)
		if !fresh[e] { // what an earlier publishing let pass is not asked about again
			lacks = slices.DeleteFunc(lacks, func(u unmet) bool { return !lost.has(u.clause) })
		}
		all = append(all, lacks...)
	}
	return all, nil
}

// entries lists what one architecture of a suite has, in the order of an index.
func (t *tree) entries(ctx context.Context, s *suite, arch string) ([]*entry, error) {
	var all []*entry
	for _, component := range t.def.Components {
		x, err := t.index(ctx, s, indexKey{component, arch})
		if err != nil {
			return nil, err
		}
		all = append(all, x.merged()...)
	}
	if len(t.def.Components) > 1 {
		slices.SortStableFunc(all, compareEntries)
	}
	return all, nil
}

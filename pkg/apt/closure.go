package apt

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"kubedist/pkg/deb822"
	"kubedist/pkg/hint"
)

// unsatisfied finds the dependencies of newly added Kubernetes packages that no user could install: nothing in the suite
// provides them, and the definition does not declare that the distribution does. Other packages may depend on anything a
// distribution has, which this package cannot know.
func (p *publication) unsatisfied(ctx context.Context) ([]error, error) {
	var problems []error
	for _, d := range p.drafts {
		if d.past != &d.suite.place {
			continue
		}
		for _, arch := range p.tree.def.Architectures {
			var fresh []*entry
			for _, component := range p.tree.def.Components {
				if x := d.suite.indices[indexKey{component, arch}]; x != nil {
					for _, e := range x.added {
						if slices.Contains(p.tree.def.KubernetesPackages, e.name) {
							fresh = append(fresh, e)
						}
					}
				}
			}
			if len(fresh) == 0 {
				continue
			}
			slices.SortFunc(fresh, compareEntries)
			offers, err := p.tree.offers(ctx, d.suite, arch)
			if err != nil {
				return nil, err
			}
			for _, e := range fresh {
				if err := offers.satisfy(e, p.tree.def.Distribution); err != nil {
					problems = append(problems, fmt.Errorf("suite %s: %s %s (%s): %w", d.suite.name, e.name, e.version, e.arch, err))
				}
			}
		}
	}
	return problems, nil
}

// offers are the packages that one architecture can have from a suite, by name: an "=" selector for each version, and
// one without a version for a virtual package that has none (Policy 7.5).
type offers map[string][]Selector

func (t *tree) offers(ctx context.Context, s *suite, arch string) (offers, error) {
	o := offers{}
	for _, component := range t.def.Components {
		x, err := t.index(ctx, s, indexKey{component, arch})
		if err != nil {
			return nil, err
		}
		for _, e := range x.merged() {
			o[e.name] = append(o[e.name], Selector{Package: e.name, Relation: "=", Version: e.version})
			if !strings.Contains(e.text, "\nProvides:") {
				continue
			}
			control, err := deb822.Parse([]byte(e.text), deb822.Limits{})
			if err != nil {
				continue
			}
			for provided := range strings.SplitSeq(control.Get("Provides"), ",") {
				if has, err := ParseSelector(provided); err == nil {
					o[has.Package] = append(o[has.Package], has)
				}
			}
		}
	}
	return o, nil
}

// satisfy checks what one package needs (Policy 7.2).
func (o offers) satisfy(e *entry, distribution []string) error {
	control, err := deb822.Parse([]byte(e.text), deb822.Limits{})
	if err != nil {
		return err
	}
	for _, field := range []string{"Pre-Depends", "Depends"} {
		for clause := range strings.SplitSeq(control.Get(field), ",") {
			if clause = strings.Join(strings.Fields(clause), " "); clause == "" {
				continue
			}
			ok, err := o.have(clause, distribution)
			if err != nil {
				return fmt.Errorf("field %s: %w", field, err)
			}
			if !ok {
				return hint.Errorf("add that package too, or name it under distribution in the archive's definition",
					"field %s: neither the suite nor the distribution has %s", field, clause)
			}
		}
	}
	return nil
}

// have reports whether one of a clause's alternatives can be had.
func (o offers) have(clause string, distribution []string) (bool, error) {
	for alternative := range strings.SplitSeq(clause, "|") {
		want, err := ParseSelector(alternative)
		if err != nil {
			return false, err
		}
		if slices.Contains(distribution, want.Package) {
			return true, nil
		}
		for _, has := range o[want.Package] {
			if want.Relation == "" || has.Relation == "=" && want.takes(has.Version) {
				return true, nil
			}
		}
	}
	return false, nil
}

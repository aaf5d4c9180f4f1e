package apt

import (
	"fmt"
	"slices"
	"strings"

	"kubedist/pkg/deb"
	"kubedist/pkg/hint"
)

// field returns a field of the paragraph, continuation lines joined to it by a blank each; "" when there is none.
func (e *entry) field(name string) string { return joinedField(e.text.String(), name) }

// joinedField is [entry.field] for a paragraph of which several fields are wanted.
func joinedField(paragraph, name string) string {
	for rest := paragraph; rest != ""; {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		if len(line) <= len(name) || line[len(name)] != ':' || !strings.EqualFold(line[:len(name)], name) {
			continue
		}
		var value strings.Builder
		value.WriteString(strings.Trim(line[len(name)+1:], " \t"))
		for rest != "" && (rest[0] == ' ' || rest[0] == '\t') {
			line, rest, _ = strings.Cut(rest, "\n")
			value.WriteString(" " + strings.Trim(line, " \t"))
		}
		return value.String()
	}
	return ""
}

// clause is one thing that a package needs.
type clause struct {
	field string
	Dependency
}

// clauses reads what a package needs before it can be configured (Policy 7.2).
func (e *entry) clauses() ([]clause, error) {
	var all []clause
	paragraph := e.text.String()
	for _, field := range []string{"Pre-Depends", "Depends"} {
		needed, err := ParseDependencies(joinedField(paragraph, field))
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", field, err)
		}
		for _, d := range needed {
			all = append(all, clause{field, d})
		}
	}
	return all, nil
}

// offer is one way to have a name: a package of that name, or one that provides it (Policy 7.5).
type offer struct {
	version string // "" for a virtual package that has none
	entry   *entry
}

// offers are the packages that one architecture can have, by every name that they go by.
type offers map[string][]offer

func (o offers) add(e *entry) {
	o[e.name] = append(o[e.name], offer{e.version, e})
	for text := range strings.SplitSeq(e.field("Provides"), ",") {
		if has, err := ParseSelector(text); err == nil && (has.Relation == "" || has.Relation == "=") {
			o[has.Package] = append(o[has.Package], offer{has.Version, e})
		}
	}
}

// find returns the package of the highest version that is one of the clause's alternatives, the first alternative
// before the others; nil when there is none.
func (o offers) find(c clause) *entry {
	for _, want := range c.Alternatives {
		var best *entry
		for _, has := range o[want.Package] {
			if has.fits(want) && (best == nil || deb.Compare(best.version, has.entry.version) < 0) {
				best = has.entry
			}
		}
		if best != nil {
			return best
		}
	}
	return nil
}

// has reports whether one of the clause's alternatives is there.
func (o offers) has(c clause) bool {
	return slices.ContainsFunc(c.Alternatives, func(want Selector) bool {
		return slices.ContainsFunc(o[want.Package], func(has offer) bool { return has.fits(want) })
	})
}

// fits reports whether the offer is what a relation asks for.
func (h offer) fits(want Selector) bool {
	return want.Meets(h.version, h.entry.arch, func() bool { return strings.EqualFold(h.entry.field("Multi-Arch"), "allowed") })
}

// distribution is what clients have from elsewhere, as the definition declares it.
type distribution []Selector

// has reports whether every client of an architecture has one of the clause's alternatives.
func (d distribution) has(c clause, arch string) bool {
	return slices.ContainsFunc(c.Alternatives, func(want Selector) bool {
		return slices.ContainsFunc(d, func(declared Selector) bool {
			return declared.Package == want.Package && (declared.Architecture == "" || declared.Architecture == arch) && declared.implies(want)
		})
	})
}

// implies reports whether every version that s takes is one that want takes. A relation without a version stands for
// whatever version is asked for.
func (s Selector) implies(want Selector) bool {
	if s.Relation == "" || want.Relation == "" {
		return true
	}
	c := deb.Compare(s.Version, want.Version)
	switch s.Relation {
	case "=":
		return want.Takes(s.Version)
	case ">=":
		return want.Relation == ">=" && c >= 0 || want.Relation == ">>" && c > 0
	case ">>":
		return (want.Relation == ">=" || want.Relation == ">>") && c >= 0
	case "<=":
		return want.Relation == "<=" && c <= 0 || want.Relation == "<<" && c < 0
	}
	return (want.Relation == "<=" || want.Relation == "<<") && c <= 0
}

// unmet is one thing that a package needs and cannot have.
type unmet struct {
	entry  *entry
	clause clause
	err    error
}

// unmet lists what a package needs and neither the suite nor the distribution has.
func (o offers) unmet(e *entry, arch string, d distribution) []unmet {
	needed, err := e.clauses()
	if err != nil {
		return []unmet{{entry: e, err: err}}
	}
	var all []unmet
	for _, c := range needed {
		if !d.has(c, arch) && !o.has(c) {
			all = append(all, unmet{e, c, hint.Errorf("add that package too, or declare under distribution in the archive's definition that users have it",
				"field %s: neither the suite nor the distribution has %s", c.field, c.Text)})
		}
	}
	return all
}

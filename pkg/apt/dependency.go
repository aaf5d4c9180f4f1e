package apt

import "strings"

// Dependency is one thing that a package needs: any of the alternatives (Policy 7.1).
type Dependency struct {
	Text         string // as the field has it, with single blanks
	Alternatives []Selector
}

// ParseDependencies reads a field such as Depends, continuation lines joined. An empty field has no dependencies.
func ParseDependencies(field string) ([]Dependency, error) {
	var all []Dependency
	for text := range strings.SplitSeq(field, ",") {
		d := Dependency{Text: strings.Join(strings.Fields(text), " ")}
		if d.Text == "" {
			continue
		}
		for alternative := range strings.SplitSeq(d.Text, "|") {
			want, err := ParseSelector(alternative)
			if err != nil {
				return nil, err
			}
			d.Alternatives = append(d.Alternatives, want)
		}
		all = append(all, d)
	}
	return all, nil
}

// Meets reports whether a package of an architecture, or a name that such a package provides, is what a relation asks for.
// A version can be asked of a real package and of a provided name that has a version: one without has the version "".
// NAME:any is for packages that allow it, with Multi-Arch: allowed (deb-control(5)).
func (s Selector) Meets(version, arch string, allowsAny func() bool) bool {
	if s.Relation != "" && (version == "" || !s.Takes(version)) {
		return false
	}
	switch s.Architecture {
	case "":
		return true
	case "any":
		return allowsAny()
	}
	return arch == s.Architecture || arch == "all"
}

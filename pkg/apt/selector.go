package apt

import (
	"fmt"
	"slices"
	"strings"

	"kubedist/pkg/deb"
)

// Selector says which packages are meant. The zero value selects nothing.
type Selector struct {
	Package      string
	Relation     string // <<, <=, =, >= or >>; "" selects every version
	Version      string
	Architecture string // "" selects every architecture
}

// ParseSelector reads a relation as Depends fields have it (Policy 7.1): "kubeadm", "kubeadm (<< 1.34)" or
// "kubeadm:arm64 (= 1.36.3-1.1)".
func ParseSelector(text string) (Selector, error) {
	var s Selector
	name, relation, versioned := strings.Cut(strings.TrimSpace(text), "(")
	name, architecture, qualified := strings.Cut(strings.TrimSpace(name), ":")
	s.Package, s.Architecture = name, architecture
	err := deb.CheckName(s.Package)
	if err == nil && qualified && architecture != "any" { // as in python3:any (Policy 7.1)
		err = deb.CheckArchitecture(s.Architecture)
	}
	if err != nil {
		return Selector{}, fmt.Errorf("relation %q: %w", text, err)
	}
	if !versioned {
		return s, nil
	}
	relation, closed := strings.CutSuffix(strings.TrimSpace(relation), ")")
	i := strings.IndexFunc(relation, func(c rune) bool { return !strings.ContainsRune("<>=", c) })
	if !closed || i < 0 || !slices.Contains([]string{"<<", "<=", "=", ">=", ">>"}, relation[:i]) {
		return Selector{}, fmt.Errorf("relation %q: not of the form NAME (<< VERSION), with <<, <=, =, >= or >>", text)
	}
	s.Relation, s.Version = relation[:i], strings.TrimSpace(relation[i:])
	if _, err := deb.ParseVersion(s.Version); err != nil {
		return Selector{}, fmt.Errorf("relation %q: %w", text, err)
	}
	return s, nil
}

func (s Selector) selects(e *entry) bool {
	return e.name == s.Package && (s.Architecture == "" || s.Architecture == e.arch) && s.Takes(e.version)
}

// Takes reports whether the version is in the relation.
func (s Selector) Takes(version string) bool {
	c := 0
	if s.Relation != "" {
		c = deb.Compare(version, s.Version)
	}
	switch s.Relation {
	case "<<":
		return c < 0
	case "<=":
		return c <= 0
	case "=":
		return c == 0
	case ">=":
		return c >= 0
	case ">>":
		return c > 0
	}
	return true
}

package apt

import (
	"context"
	"maps"
	"slices"

	"kubedist/pkg/deb"
)

// Rule names a rule of a suite by which packages leave it.
type Rule string

// The rules.
const (
	RuleKeep   Rule = "keep"   // there are enough newer versions of the package
	RuleMinors Rule = "minors" // there are enough newer minor versions of the package
)

// Retired is a package that a suite no longer lists because of its rules. Its file stays in the pool until
// [Transaction.CollectGarbage] finds that no index needs it.
type Retired struct {
	Suite        string `json:"suite"`
	Package      string `json:"package"`
	Version      string `json:"version"`
	Architecture string `json:"architecture"`
	Rule         Rule   `json:"rule"`
}

// retire applies the rules of the suites: to the architectures of which something changed, or to all where nothing
// changed at all, for then the definition may have. Those that did not change went by their rules when they did.
func (t *Transaction) retire(ctx context.Context) ([]Retired, error) {
	everything := !slices.ContainsFunc(t.tree.suites, (*suite).changed)
	var all []Retired
	for _, s := range t.tree.suites {
		if s.def == nil || s.def.Keep == 0 && s.def.Minors == 0 {
			continue
		}
		retired := map[packageKey]Rule{}
		for _, arch := range t.tree.def.Architectures {
			if !everything && !s.changedOn(arch) {
				continue
			}
			entries, err := t.tree.entries(ctx, s, arch)
			if err != nil {
				return nil, err
			}
			outdated := t.tree.def.outdated(s.def, entries, arch)
			if len(outdated) == 0 {
				continue
			}
			for _, component := range t.tree.def.Components {
				s.indices[indexKey{component, arch}].drop(func(e *entry) bool { return outdated[e.key()] != "" }, map[packageKey]bool{})
			}
			maps.Copy(retired, outdated)
		}
		for _, key := range slices.SortedFunc(maps.Keys(retired), comparePackages) {
			all = append(all, Retired{s.name, key.name, key.version, key.arch, retired[key]})
		}
	}
	return all, nil
}

// changedOn reports whether something of one architecture changed.
func (s *suite) changedOn(arch string) bool {
	for key, x := range s.indices {
		if key.arch == arch && x.changed() {
			return true
		}
	}
	return false
}

func comparePackages(a, b packageKey) int {
	return compareEntries(&entry{name: a.name, version: a.version, arch: a.arch}, &entry{name: b.name, version: b.version, arch: b.arch})
}

// outdated picks what the rules of a suite take out of the sorted packages of one architecture. What a package that stays
// needs, and would have neither from another one that stays nor from the distribution, stays too.
func (d *Definition) outdated(s *Suite, entries []*entry, arch string) map[packageKey]Rule {
	out := map[packageKey]Rule{}
	if s.Keep > 0 {
		keepNewest(entries, s.Keep, out)
	}
	if s.Minors > 0 {
		d.keepMinors(entries, s.Minors, out)
	}
	if len(out) == 0 {
		return nil
	}
	stay, leave := offers{}, offers{}
	var check []*entry
	for _, e := range entries {
		if out[e.key()] != "" {
			leave.add(e)
		} else {
			stay.add(e)
			check = append(check, e)
		}
	}
	for len(check) > 0 {
		e := check[0]
		check = check[1:]
		for _, lack := range stay.unmet(e, arch, d.distribution) {
			if needed := leave.find(lack.clause); needed != nil && out[needed.key()] != "" {
				delete(out, needed.key())
				stay.add(needed)
				check = append(check, needed) // which has needs of its own
			}
		}
	}
	return out
}

// keepNewest marks all but the newest n versions of each name.
func keepNewest(entries []*entry, n int, out map[packageKey]Rule) {
	versions := 0
	for i := len(entries) - 1; i >= 0; i-- {
		e := entries[i]
		switch {
		case i == len(entries)-1 || entries[i+1].name != e.name:
			versions = 1
		case deb.Compare(entries[i+1].version, e.version) != 0:
			versions++
		}
		if versions > n {
			out[e.key()] = RuleKeep
		}
	}
}

// keepMinors marks the versions of each Kubernetes package that are of none of its newest n minor versions.
func (d *Definition) keepMinors(entries []*entry, n int, out map[packageKey]Rule) {
	for len(entries) > 0 {
		next := slices.IndexFunc(entries, func(e *entry) bool { return e.name != entries[0].name })
		if next < 0 {
			next = len(entries)
		}
		named := entries[:next]
		entries = entries[next:]
		minors := d.minors(named)
		if len(minors) <= n {
			continue
		}
		for _, e := range named {
			if m, is := d.minorOf(e.name, e.version); is && compareMinors(m, minors[n-1]) < 0 {
				out[e.key()] = RuleMinors
			}
		}
	}
}

package apt

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/Masterminds/semver/v3"
)

// minor is a minor version of Kubernetes, 1.36 for all its patch and pre-releases.
type minor struct{ major, minor uint64 }

func compareMinors(a, b minor) int {
	return cmp.Or(cmp.Compare(a.major, b.major), cmp.Compare(a.minor, b.minor))
}

// minorOf tells the minor version of a Kubernetes package. Others have none.
func (d *Definition) minorOf(name, version string) (minor, bool) {
	if !d.isKubernetes(name) {
		return minor{}, false
	}
	v, err := semver.NewVersion(kubernetesVersion(version))
	if err != nil {
		return minor{}, false
	}
	return minor{v.Major(), v.Minor()}, true
}

// minors lists the minor versions of the Kubernetes packages, the newest first.
func (d *Definition) minors(entries []*entry) []minor {
	seen := map[minor]bool{}
	for _, e := range entries {
		if m, is := d.minorOf(e.name, e.version); is {
			seen[m] = true
		}
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b minor) int { return compareMinors(b, a) })
}

// Outlived reports whether a suite's rules would take a Kubernetes package of that version out at once, because the suite
// has enough newer minor versions of it for the architecture.
func (t *Transaction) Outlived(ctx context.Context, suite, name, version, architecture string) (bool, error) {
	s, err := t.tree.suite(suite)
	if err != nil {
		return false, err
	}
	there := minorsThere{}
	return there.outlive(ctx, t.tree, s, &entry{name: name, version: version, arch: architecture})
}

// minorsThere are the minor versions of packages that suites have, looked up once.
type minorsThere map[packageIn][]minor

type packageIn struct {
	suite      *suite
	name, arch string
}

// outlive reports whether enough newer minor versions are there.
func (m minorsThere) outlive(ctx context.Context, t *tree, s *suite, e *entry) (bool, error) {
	own, is := t.def.minorOf(e.name, e.version)
	if s.def.Minors == 0 || !is {
		return false, nil
	}
	in := packageIn{s, e.name, e.arch}
	if e.arch == "all" {
		in.arch = t.def.Architectures[0]
	}
	if _, known := m[in]; !known {
		var all []*entry
		for _, component := range t.def.Components {
			if err := ctx.Err(); err != nil {
				return false, err
			}
			entries, err := t.peek(s, indexKey{component, in.arch}, e.name)
			if err != nil {
				return false, err
			}
			all = append(all, entries...)
		}
		m[in] = t.def.minors(all)
	}
	return len(m[in]) >= s.def.Minors && compareMinors(own, m[in][s.def.Minors-1]) < 0, nil
}

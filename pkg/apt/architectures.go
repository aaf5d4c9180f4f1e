package apt

import (
	"context"
	"maps"
	"slices"
	"strings"

	"kubedist/pkg/deb"
	"kubedist/pkg/hint"
)

// missingArchitectures finds added versions of Kubernetes packages that are missing for an architecture which has the
// version before: one build makes a package for all its architectures, so that a part of it was lost on the way, and
// users of that architecture would wait for an upgrade in vain. Other packages come when each architecture has them.
func (p *publication) missingArchitectures(ctx context.Context) ([]*Problem, error) {
	check := architectureCheck{tree: p.tree, versions: map[nameInSuite]*versions{}}
	var found []inSuite
	for _, d := range p.drafts {
		if d.past != &d.suite.place {
			continue
		}
		for _, added := range p.addedVersions(d.suite) {
			missing, err := check.missing(ctx, d.suite, added.name, added.version)
			if err != nil {
				return nil, err
			}
			if missing != nil {
				found = append(found, inSuite{d.suite.name, missing})
			}
		}
	}
	return acrossSuites(RefuseArchitecture, found), nil
}

// addedVersions lists the versions of Kubernetes packages that were added for some architecture, without the
// architecture.
func (p *publication) addedVersions(s *suite) []packageKey {
	var all []packageKey
	for _, x := range s.indices {
		for _, e := range x.added {
			if p.tree.def.isKubernetes(e.name) && e.arch != "all" {
				all = append(all, packageKey{name: e.name, version: e.version})
			}
		}
	}
	slices.SortFunc(all, comparePackages)
	return slices.Compact(all)
}

// architectureCheck looks each name up once.
type architectureCheck struct {
	tree     *tree
	versions map[nameInSuite]*versions
}

type nameInSuite struct {
	suite *suite
	name  string
}

// missing is an error when the version before the given one is there for architectures that do not have the given one.
// Where the suite has no earlier version, as on the day of a new minor version, the other suites are asked.
func (c *architectureCheck) missing(ctx context.Context, s *suite, name, version string) (missing, err error) {
	own, err := c.of(ctx, s, name)
	if err != nil {
		return nil, err
	}
	before, archs := own.before(version)
	if before == "" {
		for _, other := range c.tree.suites {
			if other.def == nil {
				continue
			}
			elsewhere, err := c.of(ctx, other, name)
			if err != nil {
				return nil, err
			}
			if v, a := elsewhere.before(version); v != "" && (before == "" || deb.Compare(before, v) < 0) {
				before, archs = v, a
			}
		}
	}
	have := own.archs[version]
	lacks := slices.DeleteFunc(slices.Clone(archs), func(arch string) bool { return arch == "all" || slices.Contains(have, arch) })
	if len(lacks) == 0 || slices.Contains(have, "all") {
		return nil, nil
	}
	return hint.Errorf("add the packages for those architectures together with the others",
		"%s %s: missing for %s, which have %s", name, version, strings.Join(lacks, " "), before), nil
}

// versions are the versions of one name in a suite.
type versions struct {
	sorted []string
	archs  map[string][]string // in the definition's order
}

// before is the highest version below the given one with its architectures, "" when there is none.
func (v *versions) before(version string) (string, []string) {
	i, _ := slices.BinarySearchFunc(v.sorted, version, deb.Compare)
	if i == 0 {
		return "", nil
	}
	return v.sorted[i-1], v.archs[v.sorted[i-1]]
}

func (c *architectureCheck) of(ctx context.Context, s *suite, name string) (*versions, error) {
	if known := c.versions[nameInSuite{s, name}]; known != nil {
		return known, nil
	}
	v := &versions{archs: map[string][]string{}}
	for _, arch := range c.tree.def.Architectures {
		for _, component := range c.tree.def.Components {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			entries, err := c.tree.peek(s, indexKey{component, arch}, name)
			if err != nil {
				return nil, err
			}
			for _, e := range entries {
				if !slices.Contains(v.archs[e.version], e.arch) {
					v.archs[e.version] = append(v.archs[e.version], e.arch)
				}
			}
		}
	}
	v.sorted = slices.SortedFunc(maps.Keys(v.archs), deb.Compare)
	c.versions[nameInSuite{s, name}] = v
	return v, nil
}

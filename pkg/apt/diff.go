package apt

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"kubedist/pkg/deb"
)

// A ChangeKind says in which way two states of a suite differ.
type ChangeKind string

// The kinds of change.
const (
	ChangeAdded    ChangeKind = "added"
	ChangeRemoved  ChangeKind = "removed"
	ChangeReplaced ChangeKind = "replaced" // the same version, with other contents
)

// Change is a difference between two states of a suite: one version of a package, on some architectures.
type Change struct {
	Kind          ChangeKind `json:"change"`
	Component     string     `json:"component"`
	Package       string     `json:"package"`
	Version       string     `json:"version"`
	Architectures []string   `json:"architectures"` // sorted; "all" alone for a package that is the same for all
}

// Diff tells how to differs from from: suites as they are published, or as snapshots keep them. The changes are sorted by
// package, version and kind. It takes no lock.
func Diff(ctx context.Context, o Options, from, to Reference) ([]Change, error) {
	t, err := loadTree(o.Root, o.Definition, true)
	if err != nil {
		return nil, fmt.Errorf("archive %s: %w", o.Root, err)
	}
	changes, err := t.diff(ctx, from, to)
	if err != nil {
		return nil, fmt.Errorf("archive %s: %w", o.Root, err)
	}
	return changes, nil
}

func (t *tree) diff(ctx context.Context, from, to Reference) ([]Change, error) {
	old, err := t.resolve(from)
	if err != nil {
		return nil, err
	}
	now, err := t.resolve(to)
	if err != nil {
		return nil, err
	}
	changes := []Change{}
	keys := old.keys()
	for _, key := range now.keys() {
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		before, err := t.index(ctx, old, key)
		if err != nil {
			return nil, err
		}
		after, err := t.index(ctx, now, key)
		if err != nil {
			return nil, err
		}
		changes = append(changes, differences(key.component, before.merged(), after.merged())...)
	}
	sources, err := t.sourceDifferences(ctx, old, now)
	if err != nil {
		return nil, err
	}
	return joinChanges(append(changes, sources...)), nil
}

// differences compares two sorted lists of one index.
func differences(component string, before, after []*entry) []Change {
	var changes []Change
	add := func(kind ChangeKind, e *entry) {
		changes = append(changes, Change{kind, component, e.name, e.version, []string{e.arch}})
	}
	for len(before) > 0 || len(after) > 0 {
		order := 0
		switch {
		case len(before) == 0:
			order = 1
		case len(after) == 0:
			order = -1
		default:
			order = compareEntries(before[0], after[0])
		}
		switch {
		case order < 0:
			add(ChangeRemoved, before[0])
			before = before[1:]
		case order > 0:
			add(ChangeAdded, after[0])
			after = after[1:]
		default:
			if before[0].sha256 != after[0].sha256 {
				add(ChangeReplaced, after[0])
			}
			before, after = before[1:], after[1:]
		}
	}
	return changes
}

// joinChanges makes one change of those that differ in nothing but the architecture, and sorts them.
func joinChanges(changes []Change) []Change {
	type subject struct {
		kind                     ChangeKind
		component, name, version string
	}
	archs := map[subject][]string{}
	for _, c := range changes {
		s := subject{c.Kind, c.Component, c.Package, c.Version}
		archs[s] = append(archs[s], c.Architectures...)
	}
	joined := make([]Change, 0, len(archs))
	for s, a := range archs {
		slices.Sort(a)
		joined = append(joined, Change{s.kind, s.component, s.name, s.version, slices.Compact(a)})
	}
	slices.SortFunc(joined, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Package, b.Package), deb.Compare(a.Version, b.Version), cmp.Compare(a.Version, b.Version),
			cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Component, b.Component))
	})
	return joined
}

package apt

import (
	"context"
	"fmt"
	"slices"
)

// RollbackOptions say which suites become what they were.
type RollbackOptions struct {
	Snapshot string
	Suites   []string // none: all of the snapshot
}

// Rollback makes suites list what they listed when a snapshot was taken, and tells what that changes, by suite. They are
// published anew, with a new date, for clients do not go back to an old one. It fails without a change to the transaction
// when the snapshot lacks a suite, when the pool lacks a package, and when the definition has no place for one.
func (t *Transaction) Rollback(ctx context.Context, o RollbackOptions) (map[string][]Change, error) {
	if err := t.open(); err != nil {
		return nil, err
	}
	kept, err := t.tree.openSnapshot(o.Snapshot)
	if err != nil {
		return nil, err
	}
	names := o.Suites
	if len(names) == 0 {
		for _, s := range kept {
			names = append(names, s.name)
		}
	}
	var resets []reset
	var sources []sourceReset
	for _, name := range names {
		to, err := t.tree.suite(name)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(kept, func(s *suite) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("snapshot %s: has no suite %s", o.Snapshot, name)
		}
		all, err := t.resets(ctx, kept[i], to)
		if err != nil {
			return nil, fmt.Errorf("snapshot %s: suite %s: %w", o.Snapshot, name, err)
		}
		resets = append(resets, all...)
		more, err := t.sourceResets(ctx, kept[i], to)
		if err != nil {
			return nil, fmt.Errorf("snapshot %s: suite %s: %w", o.Snapshot, name, err)
		}
		sources = append(sources, more...)
	}
	changes := map[string][]Change{}
	for _, name := range names {
		changes[name] = []Change{}
	}
	for _, r := range resets {
		found := differences(r.key.component, r.index.merged(), r.want)
		changes[r.suite.name] = append(changes[r.suite.name], found...)
		r.index.reset(r.want)
		if !slices.Contains(t.origins, r.from) {
			t.origins = append(t.origins, r.from)
		}
	}
	for _, r := range sources { // of the suites that have been seen to above
		old := &sourceIndex{sources: r.want}
		changes[r.suite.name] = append(changes[r.suite.name], differences(r.component, r.index.merged(), old.merged())...)
		r.index.reset(r.want)
	}
	for name := range changes {
		changes[name] = joinChanges(changes[name])
	}
	return changes, nil
}

// reset is an index that is to list other packages.
type reset struct {
	suite, from *suite
	key         indexKey
	index       *index
	want        []*entry
}

// resets finds the indices of a suite that differ from those of a snapshot.
func (t *Transaction) resets(ctx context.Context, from, to *suite) ([]reset, error) {
	ours := t.tree.def.indexKeys()
	for _, key := range from.keys() {
		x, err := t.tree.index(ctx, from, key)
		if err != nil {
			return nil, err
		}
		if len(x.entries) > 0 && !slices.Contains(ours, key) {
			return nil, fmt.Errorf("%s: has packages, but the definition has no such component or architecture", indexDir(key.component, key.arch))
		}
	}
	var all []reset
	for _, key := range ours {
		old, err := t.tree.index(ctx, from, key)
		if err != nil {
			return nil, err
		}
		now, err := t.tree.index(ctx, to, key)
		if err != nil {
			return nil, err
		}
		for i := range old.entries {
			e := &old.entries[i]
			has := now.find(e)
			if has != nil && has.sha256 != e.sha256 {
				return nil, fmt.Errorf("package %s %s (%s): had SHA-256 %s, and now is %s", e.name, e.version, e.arch, e.sha256, has.sha256)
			}
			if has == nil {
				if err := t.pooledStill(e); err != nil {
					return nil, fmt.Errorf("package %s %s (%s): %w", e.name, e.version, e.arch, err)
				}
			}
		}
		all = append(all, reset{suite: to, from: from, key: key, index: now, want: old.merged()})
	}
	return all, nil
}

// reset makes the index list what is wanted. A package that it lists already keeps its paragraph, which may say more than
// the old one did.
func (x *index) reset(want []*entry) {
	wanted := map[packageKey]*entry{}
	for _, e := range want {
		wanted[e.key()] = e
	}
	kept := make([]entry, 0, len(x.entries))
	for i := range x.entries {
		e := &x.entries[i]
		if wanted[e.key()] == nil {
			x.removed++
			continue
		}
		kept = append(kept, *e)
		delete(wanted, e.key())
	}
	x.entries = kept
	x.added = slices.DeleteFunc(x.added, func(e *entry) bool { return wanted[e.key()] == nil })
	for _, e := range want {
		if wanted[e.key()] != nil {
			x.add(e)
		}
	}
}

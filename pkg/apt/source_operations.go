package apt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"kubedist/pkg/hint"
)

// sameFiles reports whether two source packages are the same files.
func (s *source) sameFiles(other *source) bool { return s.digest() == other.digest() }

// digest is one of all the files of a source package.
func (s *source) digest() string {
	files := slices.SortedFunc(slices.Values(s.files), func(a, b sourceFile) int { return cmp.Compare(a.path, b.path) })
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "%s %d %s\n", f.sha256, f.size, f.path)
	}
	return digestOf([]byte(b.String()))
}

// asEntry stands for a source package where packages of all kinds are compared and selected.
func (s *source) asEntry() *entry {
	return &entry{name: s.name, version: s.version, arch: archSource, sha256: s.digest()}
}

// merged returns all source packages in order, each as an entry.
func (x *sourceIndex) merged() []*entry {
	entries := make([]*entry, len(x.sources))
	for i, s := range x.sources {
		entries[i] = s.asEntry()
	}
	return entries
}

// insert adds a source package.
func (x *sourceIndex) insert(s *source) {
	x.sources = append(x.sources, s)
	slices.SortFunc(x.sources, compareSources)
	x.added++
}

// reset makes the index list what is wanted.
func (x *sourceIndex) reset(want []*source) {
	has := func(list []*source, s *source) bool {
		return slices.ContainsFunc(list, func(o *source) bool { return compareSources(o, s) == 0 })
	}
	kept := slices.DeleteFunc(slices.Clone(x.sources), func(s *source) bool { return !has(want, s) })
	x.removed += len(x.sources) - len(kept)
	x.sources = kept
	for _, s := range want {
		if !has(kept, s) {
			x.insert(s)
		}
	}
}

// sourcesChanged reports whether source packages were added to the suite or removed from it.
func (s *suite) sourcesChanged() bool {
	for _, x := range s.sources {
		if x.changed() {
			return true
		}
	}
	return false
}

// listedSource is a source package and the index that is to list it.
type listedSource struct {
	index  *sourceIndex
	source *source
}

// copySources finds the source packages that a suite is to take over from another, and notes in present which it has.
func (t *Transaction) copySources(ctx context.Context, o CopyOptions, from, to *suite, present map[packageKey]bool) ([]listedSource, error) {
	var fresh []listedSource
	for _, component := range t.tree.def.Components {
		theirs, err := t.tree.sources(ctx, from, component)
		if err != nil {
			return nil, err
		}
		ours, err := t.tree.sources(ctx, to, component)
		if err != nil {
			return nil, err
		}
		for _, s := range theirs.sources {
			e := s.asEntry()
			if len(o.Selectors) > 0 && !slices.ContainsFunc(o.Selectors, func(sel Selector) bool { return sel.selects(e) }) {
				continue
			}
			has := ours.find(s.name, s.version)
			if err := t.copiesSource(s, has, to, o.From.Snapshot != ""); err != nil {
				return nil, fmt.Errorf("source package %s %s: %w", s.name, s.version, err)
			}
			if has == nil {
				fresh = append(fresh, listedSource{ours, s})
			}
			present[e.key()] = has != nil
		}
	}
	return fresh, nil
}

// copiesSource refuses what a suite cannot take over.
func (t *Transaction) copiesSource(s, has *source, to *suite, old bool) error {
	if has != nil && !has.sameFiles(s) {
		return fmt.Errorf("suite %s has it with other files", to.name)
	}
	if err := t.tree.def.accepts(to.def, s.name, s.version); err != nil {
		return hint.With(err, "name the packages that are to be copied, as in 'kubeadm (>= 1.36)'")
	}
	if old && has == nil {
		return t.pooledSourceStill(s)
	}
	return nil
}

// pooledSourceStill refuses a source package of which a file is no longer in the pool.
func (t *Transaction) pooledSourceStill(s *source) error {
	for _, f := range s.files {
		if err := t.pooledStill(&entry{filename: f.path, size: f.size}); err != nil {
			return err
		}
	}
	return nil
}

// sourceReset is an index of source packages that is to list others.
type sourceReset struct {
	suite, from *suite
	component   string
	index       *sourceIndex
	want        []*source
}

// sourceResets finds what the indices of source packages of a suite are to list, by those of a snapshot.
func (t *Transaction) sourceResets(ctx context.Context, from, to *suite) ([]sourceReset, error) {
	var all []sourceReset
	for _, component := range t.tree.def.Components {
		old, err := t.tree.sources(ctx, from, component)
		if err != nil {
			return nil, err
		}
		now, err := t.tree.sources(ctx, to, component)
		if err != nil {
			return nil, err
		}
		for _, s := range old.sources {
			has := now.find(s.name, s.version)
			if has == nil {
				err = t.pooledSourceStill(s)
			} else if !has.sameFiles(s) {
				err = errors.New("had other files than it has now")
			}
			if err != nil {
				return nil, fmt.Errorf("source package %s %s: %w", s.name, s.version, err)
			}
		}
		all = append(all, sourceReset{to, from, component, now, old.sources})
	}
	return all, nil
}

// sourceDifferences compares the source packages of two suites.
func (t *tree) sourceDifferences(ctx context.Context, old, now *suite) ([]Change, error) {
	var changes []Change
	components := old.sourceComponents()
	for _, component := range now.sourceComponents() {
		if !slices.Contains(components, component) {
			components = append(components, component)
		}
	}
	for _, component := range components {
		before, err := t.sources(ctx, old, component)
		if err != nil {
			return nil, err
		}
		after, err := t.sources(ctx, now, component)
		if err != nil {
			return nil, err
		}
		changes = append(changes, differences(component, before.merged(), after.merged())...)
	}
	return changes, nil
}

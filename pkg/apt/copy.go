package apt

import (
	"context"
	"fmt"
	"slices"

	"kubedist/pkg/hint"
)

// CopyOptions say what one suite takes over from another.
type CopyOptions struct {
	From Reference
	To   string
	// Selectors select the packages; none selects all.
	Selectors []Selector
}

// Copied is a package that a suite got from another, or had.
type Copied struct {
	Package      string `json:"package"`
	Version      string `json:"version"`
	Architecture string `json:"architecture"`
	Present      bool   `json:"present,omitempty"` // the suite had it
}

// Copy lists in one suite what another one lists, or what a snapshot of it does: the same files of the pool, which are
// not read again. It returns them, sorted; that nothing is selected is no error. It fails without a change to the
// transaction when the suite does not take one of the versions, or has another file of the same version.
func (t *Transaction) Copy(ctx context.Context, o CopyOptions) ([]Copied, error) {
	if err := t.open(); err != nil {
		return nil, err
	}
	to, err := t.tree.suite(o.To)
	if err != nil {
		return nil, err
	}
	from, err := t.tree.resolve(o.From)
	if err != nil {
		return nil, err
	}
	if from == to {
		return nil, fmt.Errorf("suite %s: cannot be copied to itself", o.To)
	}
	var fresh []listed
	present := map[packageKey]bool{}
	for _, key := range t.tree.def.indexKeys() {
		source, err := t.tree.index(ctx, from, key)
		if err != nil {
			return nil, err
		}
		target, err := t.tree.index(ctx, to, key)
		if err != nil {
			return nil, err
		}
		for _, e := range source.merged() {
			if len(o.Selectors) > 0 && !slices.ContainsFunc(o.Selectors, func(s Selector) bool { return s.selects(e) }) {
				continue
			}
			has := target.find(e)
			if err := t.copies(e, has, to, o.From.Snapshot != ""); err != nil {
				return nil, fmt.Errorf("package %s %s (%s): %w", e.name, e.version, e.arch, err)
			}
			if has == nil {
				fresh = append(fresh, listed{target, e})
			}
			// One for all architectures is in several indices; it is there if it is in all of them.
			if was, seen := present[e.key()]; !seen || was {
				present[e.key()] = has != nil
			}
		}
	}
	sources, err := t.copySources(ctx, o, from, to, present)
	if err != nil {
		return nil, err
	}
	for _, l := range fresh {
		l.index.add(l.entry)
	}
	for _, l := range sources {
		l.index.insert(l.source)
	}
	if o.From.Snapshot != "" && len(fresh)+len(sources) > 0 {
		t.origins = append(t.origins, from)
	}
	copied := make([]Copied, 0, len(present))
	for key, had := range present {
		copied = append(copied, Copied{Package: key.name, Version: key.version, Architecture: key.arch, Present: had})
	}
	slices.SortFunc(copied, func(a, b Copied) int {
		return compareKeys(packageKey{a.Package, a.Version, a.Architecture}, packageKey{b.Package, b.Version, b.Architecture})
	})
	return copied, nil
}

// listed is an entry and the index that is to list it.
type listed struct {
	index *index
	entry *entry
}

// copies refuses what a suite cannot take over.
func (t *Transaction) copies(e, has *entry, to *suite, old bool) error {
	if has != nil && has.sha256 != e.sha256 {
		return fmt.Errorf("suite %s has it with SHA-256 %s, this one is %s", to.name, has.sha256, e.sha256)
	}
	if err := t.tree.def.accepts(to.def, e.name, e.version); err != nil {
		return hint.With(err, "name the packages that are to be copied, as in 'kubeadm (>= 1.36)'")
	}
	if old && has == nil {
		return t.pooledStill(e)
	}
	return nil
}

// pooledStill refuses a package whose file is no longer in the pool, or another one.
func (t *Transaction) pooledStill(e *entry) error {
	if size := t.pooledSize(e.filename); size != e.size && t.pool[e.filename] == nil {
		return hint.Errorf("restore it from a mirror or a backup, or add the package again", "%s: not in the pool as it was", e.filename)
	}
	return nil
}

// compareKeys is the order of an index.
func compareKeys(a, b packageKey) int {
	return compareEntries(&entry{name: a.name, version: a.version, arch: a.arch}, &entry{name: b.name, version: b.version, arch: b.arch})
}

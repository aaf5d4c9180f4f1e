package apt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"kubedist/pkg/atomicfile"
)

// Options say which archive is meant.
type Options struct {
	Root       string // the directory that is published
	Definition *Definition
	// Waiting is told, once, which process is waited for when another one changes the archive. It may be nil.
	Waiting func(holder string)
}

// Transaction is a change to an archive in the making. What is added and removed becomes visible when [Transaction.Publish]
// returns, all at once; until then nothing that clients read has changed. It is not safe for concurrent use.
type Transaction struct {
	tree    *tree
	disk    *disk
	lock    *lock
	pool    map[string]*pooled // files that are to go into the pool, by their path there
	scratch *scratch           // the paragraphs of packages that it has read
	lists   sync.Map           // the files of packages that were read, a path on each line, by the package's SHA-256
	staged  []stagedSnapshot   // that are to be kept
	origins []*suite           // of snapshots, that were built upon

	overridden []*Problem // what Add would have refused; Publish tells of it
	leaving    leaving    // what the lock's file is to say
	journaled  bool       // temporary files must stay for the journal's sake
	closed     bool
}

// pooled is a package that this transaction has read.
type pooled struct {
	temp  string // its copy; "" when the file is in the pool already
	entry *entry
}

// Begin takes the archive's lock, waiting for it as long as ctx allows, finishes what a killed run had begun to make
// visible, removes what else it left behind, and reads what is published. The root is made when it is not there.
// [Transaction.Close] must follow.
func Begin(ctx context.Context, o Options) (*Transaction, error) {
	root, err := filepath.Abs(o.Root)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	if err := atomicfile.MkdirAll(root); err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	t, err := begin(ctx, &disk{root: root}, o)
	if err != nil {
		return nil, atomicfile.Explain(root, fmt.Errorf("archive %s: %w", o.Root, err))
	}
	return t, nil
}

// begin is Begin once the root is there.
func begin(ctx context.Context, d *disk, o Options) (*Transaction, error) {
	l, err := acquire(ctx, d.root, o.Waiting)
	if err != nil {
		return nil, err
	}
	t := &Transaction{disk: d, lock: l, pool: map[string]*pooled{}, scratch: &scratch{disk: d}}
	if err := d.rollForward(ctx); err != nil {
		t.journaled = true
		return nil, errors.Join(err, t.Close())
	}
	if err := d.clean(); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	if t.tree, err = loadTree(d.root, o.Definition, l.killed); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// Close gives up the lock, and what was not published. It may be called again after that, to no effect.
func (t *Transaction) Close() error {
	if t.closed {
		return nil
	}
	t.closed = true
	err := errors.Join(t.scratch.close(), t.disk.close())
	if !t.journaled {
		err = errors.Join(err, os.RemoveAll(t.disk.path(tempDir)))
	}
	return errors.Join(err, t.lock.release(t.leaving))
}

// open refuses what comes after the end.
func (t *Transaction) open() error {
	if t.closed || t.tree == nil {
		return errors.New("transaction: it is over")
	}
	return nil
}

// RemoveOptions select packages of one suite.
type RemoveOptions struct {
	Suite    string
	Selector Selector
}

// Removed is a package that a suite no longer lists.
type Removed struct {
	Package, Version, Architecture string
}

// Remove takes packages out of a suite's indices and returns them, sorted. Source packages have the architecture "source". Their files stay in the pool until
// [Transaction.CollectGarbage] finds that no index needs them. That nothing is selected is no error.
func (t *Transaction) Remove(ctx context.Context, o RemoveOptions) ([]Removed, error) {
	s, err := t.tree.suite(o.Suite)
	if err != nil {
		return nil, err
	}
	gone := map[packageKey]bool{}
	for _, component := range t.tree.def.Components {
		for _, arch := range t.tree.def.Architectures {
			x, err := t.tree.index(ctx, s, indexKey{component, arch})
			if err != nil {
				return nil, err
			}
			x.remove(o.Selector, gone)
		}
		if err := t.tree.removeSources(ctx, s, component, o.Selector, gone); err != nil {
			return nil, err
		}
	}
	var removed []Removed
	for key := range gone {
		removed = append(removed, Removed{key.name, key.version, key.arch})
	}
	slices.SortFunc(removed, func(a, b Removed) int {
		return compareEntries(&entry{name: a.Package, version: a.Version, arch: a.Architecture}, &entry{name: b.Package, version: b.Version, arch: b.Architecture})
	})
	return removed, nil
}

// remove drops what the selector selects and notes it in gone.
func (x *index) remove(selector Selector, gone map[packageKey]bool) {
	x.drop(selector.selects, gone)
}

// drop drops the entries that are chosen and notes them in gone.
func (x *index) drop(chosen func(*entry) bool, gone map[packageKey]bool) {
	kept := make([]entry, 0, len(x.entries))
	for i := range x.entries {
		if e := &x.entries[i]; chosen(e) {
			gone[e.key()] = true
			x.lost = append(x.lost, e)
			x.removed++
		} else {
			kept = append(kept, *e)
		}
	}
	x.entries = kept
	x.added = slices.DeleteFunc(x.added, func(e *entry) bool {
		if !chosen(e) {
			return false
		}
		gone[e.key()] = true
		return true
	})
}

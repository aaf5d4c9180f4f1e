package apt

import (
	"context"
	"os"
	"path"
	"slices"

	"kubedist/pkg/deb"
	"kubedist/pkg/hint"
)

// replace refuses another file in the place of one that the archive has, unless that is overridden and safe: a client
// that has an index which lists the file would meet another digest, and could not download it.
func (t *Transaction) replace(ctx context.Context, e, known *entry, listed bool, o AddOptions) error {
	problem := &Problem{RefuseContents, hint.Errorf("give the new one a higher revision; users who have the other would never get it",
		"%s: the archive has it with SHA-256 %s as %s, this file has %s", path.Base(e.filename), known.sha256, known.filename, e.sha256)}
	if !slices.Contains(o.Override, RefuseContents) {
		return problem
	}
	if !listed {
		garbage, err := t.CollectGarbage(ctx, GarbageOptions{DryRun: true})
		if err != nil {
			return err
		}
		if slices.ContainsFunc(garbage, func(g Garbage) bool { return g.Path == known.filename }) {
			t.overridden = append(t.overridden, problem)
			return nil
		}
	}
	return hint.Errorf("give the new one a higher revision; this cannot be overridden while an index lists the other, for its downloads would fail", "%w", problem)
}

// known finds what the archive has under the package's name, version and architecture, or under the path its file would
// get: in this transaction, in the indices, or in the pool. listed tells that it is more than a file in the pool.
func (t *Transaction) known(ctx context.Context, r readPackage, pool map[string]*pooled) (known *entry, listed bool, err error) {
	want := r.entry
	for _, files := range []map[string]*pooled{pool, t.pool} {
		if p := files[want.filename]; p != nil {
			return p.entry, true, nil
		}
	}
	if known, err = t.tree.published(ctx, want); known != nil || err != nil {
		return known, true, err
	}
	if r.fresh {
		return nil, false, nil
	}
	known, err = t.orphan(ctx, want.filename)
	return known, false, err
}

// published finds in the indices of all suites what is called as a package is, or whose file lies where its would.
func (t *tree) published(ctx context.Context, want *entry) (*entry, error) {
	for _, s := range t.suites {
		for _, key := range s.keys() {
			if want.arch != "all" && key.arch != want.arch {
				continue
			}
			x, err := t.index(ctx, s, key)
			if err != nil {
				return nil, err
			}
			candidates := x.named(want.name)
			for i := range candidates {
				e := &candidates[i]
				if e.filename == want.filename || e.version == want.version && e.arch == want.arch {
					return e, nil
				}
			}
		}
	}
	return nil, nil
}

// orphan reads a file of the pool that no index lists: a run was killed after it had filled the pool, or a removal waits
// for garbage collection. What cannot be read as a package is no promise to anyone and is replaced, and so is a link,
// whatever it leads to: nil.
func (t *Transaction) orphan(ctx context.Context, name string) (*entry, error) {
	if t.pooledSize(name) < 0 {
		return nil, nil
	}
	f, err := os.Open(t.disk.path(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := deb.Read(ctx, f, deb.Limits{})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, nil
	}
	return newEntry(info, name, t.scratch)
}

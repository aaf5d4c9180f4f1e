package apt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"kubedist/pkg/page"
)

// GarbageOptions say how the pool is cleaned.
type GarbageOptions struct {
	DryRun bool // remove nothing, tell what would go
}

// Garbage is a file of the pool that no index needs.
type Garbage struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
}

// CollectGarbage removes from the pool, and from the flat directories of the suites, what neither a published index lists,
// of whatever suite is on the disk, nor one of the older contents that are still under by-hash: a client that is in the
// middle of an update may yet ask for those. What snapshots list stays too. It returns what it removed, sorted. Packages
// of this transaction that are not published yet are not in the pool.
func (t *Transaction) CollectGarbage(ctx context.Context, o GarbageOptions) ([]Garbage, error) {
	if err := t.open(); err != nil {
		return nil, err
	}
	needed := map[string]bool{}
	for _, s := range t.tree.suites {
		if err := t.needs(ctx, s, needed); err != nil {
			return nil, fmt.Errorf("collecting garbage: suite %s: %w", s.name, err)
		}
	}
	if err := t.snapshotsNeed(ctx, needed); err != nil {
		return nil, fmt.Errorf("collecting garbage: %w", err)
	}
	for name := range t.pool {
		needed[name] = true
	}
	var garbage []Garbage
	err := filepath.WalkDir(t.disk.path(poolDir), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(t.disk.root, name)
		if err != nil {
			return err
		}
		if rel = filepath.ToSlash(rel); needed[rel] || !d.Type().IsRegular() || d.Name() == page.IndexFile {
			return ctx.Err()
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		garbage = append(garbage, Garbage{Path: rel, Size: info.Size()})
		return ctx.Err()
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("collecting garbage: %w", err)
	}
	for _, s := range t.tree.suites {
		if s.flat == nil {
			continue
		}
		more, err := t.flatGarbage(ctx, s.flat)
		if err != nil {
			return nil, fmt.Errorf("collecting garbage: %s: %w", s.flat.dir, err)
		}
		garbage = append(garbage, more...)
	}
	slices.SortFunc(garbage, func(a, b Garbage) int { return strings.Compare(a.Path, b.Path) })
	if o.DryRun {
		return garbage, nil
	}
	left := t.leaving
	t.leaving = leftHalfway // until the pages, too, are as they should be
	for _, g := range garbage {
		if err := t.disk.remove(g.Path); err != nil {
			return nil, fmt.Errorf("collecting garbage: %w", err)
		}
		t.disk.removeEmpty(path.Dir(g.Path), poolDir)
	}
	if err := t.followListings(ctx); err != nil {
		return nil, fmt.Errorf("collecting garbage: %w", err)
	}
	t.leaving = left
	return garbage, nil
}

// needs notes the files of the pool that a suite needs.
func (t *Transaction) needs(ctx context.Context, s *suite, needed map[string]bool) error {
	for _, key := range s.keys() {
		x, err := t.tree.index(ctx, s, key)
		if err != nil {
			return err
		}
		for _, e := range x.merged() {
			needed[e.filename] = true
		}
		for _, name := range t.tree.names(s.name) {
			if err := t.needsOfIndex(path.Join(suiteDir(name), indexDir(key.component, key.arch)), "", needed); err != nil {
				return err
			}
		}
	}
	return t.needsSources(ctx, s, needed)
}

// needsOfIndex notes the files that the contents of an index name which are under by-hash. The names are relative to a
// base directory.
func (t *Transaction) needsOfIndex(dir, base string, needed map[string]bool) error {
	return t.oldContents(dir, func(text []byte) error {
		for line := range bytes.Lines(text) {
			if name, found := strings.CutPrefix(string(line), "Filename:"); found {
				needed[path.Join(base, strings.TrimSpace(name))] = true
			}
		}
		return nil
	})
}

// needsSources notes the files that the source packages of a suite need, now and in older contents of their index.
func (t *Transaction) needsSources(ctx context.Context, s *suite, needed map[string]bool) error {
	note := func(sources []*source) {
		for _, source := range sources {
			for _, f := range source.files {
				needed[f.path] = true
			}
		}
	}
	for _, component := range s.sourceComponents() {
		x, err := t.tree.sources(ctx, s, component)
		if err != nil {
			return err
		}
		note(x.sources)
		for _, name := range t.tree.names(s.name) {
			err := t.oldContents(path.Join(suiteDir(name), component, archSource), func(text []byte) error {
				if !bytes.Contains(text, []byte("\nDirectory:")) { // a Release file, which lists nothing
					return nil
				}
				sources, err := parseSources(string(text))
				note(sources)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// oldContents gives the plain texts that are under by-hash in a directory.
func (t *Transaction) oldContents(dir string, look func(text []byte) error) error {
	dir = path.Join(dir, "by-hash", "SHA256")
	contents, err := os.ReadDir(t.disk.path(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, c := range contents {
		if checkDigest(c.Name()) != nil {
			continue // the directory's page
		}
		packed, err := os.ReadFile(t.disk.path(path.Join(dir, c.Name())))
		if err != nil {
			return err
		}
		text, err := unpackIndex(packed, sniff(packed))
		if err == nil {
			err = look(text)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path.Join(dir, c.Name()), err)
		}
	}
	return nil
}

// snapshotsNeed notes the files of the pool that snapshots need. One that cannot be read keeps all garbage where it is.
func (t *Transaction) snapshotsNeed(ctx context.Context, needed map[string]bool) error {
	names, err := t.tree.snapshotNames()
	if err != nil {
		return err
	}
	for _, name := range names {
		suites, err := t.tree.openSnapshot(name)
		if err != nil {
			return err
		}
		for _, s := range suites {
			for _, key := range s.keys() {
				x, err := t.tree.index(ctx, s, key)
				if err != nil {
					return fmt.Errorf("snapshot %s: %w", name, err)
				}
				for i := range x.entries {
					needed[x.entries[i].filename] = true
				}
			}
			for _, component := range s.sourceComponents() {
				x, err := t.tree.sources(ctx, s, component)
				if err != nil {
					return fmt.Errorf("snapshot %s: %w", name, err)
				}
				for _, source := range x.sources {
					for _, f := range source.files {
						needed[f.path] = true
					}
				}
			}
		}
	}
	return nil
}

// sniff tells the compression of a stream by its first bytes, for files that by-hash keeps without their names.
func sniff(data []byte) string {
	for magic, compression := range map[string]string{"\x1f\x8b": "gz", "\x28\xb5\x2f\xfd": "zst", "\xfd7zXZ\x00": "xz"} {
		if bytes.HasPrefix(data, []byte(magic)) {
			return compression
		}
	}
	return ""
}

package image

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"kubedist/pkg/atomicfile"
)

// Verify reads everything that the layout's references need, and returns the blobs, sorted by path, once each. Any blob
// that is missing or damaged, and any document that is not as it must be, is an error that names the reference and the blob.
func (l *Layout) Verify(ctx context.Context) ([]Blob, error) {
	refs, err := l.References()
	if err != nil {
		return nil, err
	}
	found := map[v1.Hash]bool{}
	var blobs []Blob
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, ref := range refs {
		err := l.Walk(reading, ref.Descriptor, func(b Blob) error {
			if found[b.Digest] {
				return nil
			}
			found[b.Digest] = true
			blobs = append(blobs, b)
			group.Go(func() error { return l.named(ref, l.check(reading, b)) })
			return nil
		})
		if err != nil {
			// A blob that is damaged ends the walk, too, and says more.
			return nil, cmp.Or(group.Wait(), l.named(ref, err))
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	slices.SortFunc(blobs, func(a, b Blob) int { return cmp.Compare(a.Path, b.Path) })
	return blobs, nil
}

// check reads a blob whole.
func (l *Layout) check(ctx context.Context, b Blob) error {
	content, err := l.open(b.Digest, b.Size)
	if err != nil {
		return err
	}
	defer content.Close()
	return copyUntil(ctx, io.Discard, content)
}

// named says of which image an error speaks.
func (l *Layout) named(ref Reference, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("layout %s: image %s: %w", l.dir, ref.Name, err)
}

// Prune removes the blobs that no reference of index.json needs, and what killed processes left of others, and returns
// the names of the removed files, sorted. Nobody may write into the layout meanwhile. A layout that is not whole is an
// error, and keeps all it has.
func (l *Layout) Prune(ctx context.Context) ([]string, error) {
	refs, err := l.References()
	if err != nil {
		return nil, err
	}
	needed := map[string]bool{}
	for _, ref := range refs {
		err := l.Walk(ctx, ref.Descriptor, func(b Blob) error { needed[b.Path] = true; return nil })
		if err != nil {
			return nil, l.named(ref, err)
		}
	}
	dir := filepath.Join(l.dir, "blobs", "sha256")
	removed, err := atomicfile.Clean(dir)
	if err != nil {
		return removed, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return removed, err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if needed[path] || checkDigest(v1.Hash{Algorithm: "sha256", Hex: e.Name()}) != nil {
			continue
		}
		if err := os.Remove(path); err != nil {
			return removed, err
		}
		removed = append(removed, e.Name())
	}
	slices.Sort(removed)
	return removed, nil
}

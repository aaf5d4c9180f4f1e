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

// Blob is a blob that an image or an index needs.
type Blob struct {
	v1.Descriptor
	Path string
}

// Walk visits every blob that root needs, each once and after those that it refers to itself: layers, then the image's
// configuration, then its manifest, then the index. That is the order in which a registry takes them. Documents are read and checked
// whole; layers are only looked for, in the right size. An error of visit ends the walk.
func (l *Layout) Walk(ctx context.Context, root v1.Descriptor, visit func(Blob) error) error {
	w := walk{l: l, visit: visit, seen: map[v1.Hash]int64{}}
	return w.manifest(ctx, root, 1)
}

type walk struct {
	l     *Layout
	visit func(Blob) error
	seen  map[v1.Hash]int64 // sizes of what was visited
}

// manifest visits an image or an index, depth levels below the root.
func (w *walk) manifest(ctx context.Context, d v1.Descriptor, depth int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if size, ok := w.seen[d.Digest]; ok && size == d.Size {
		return nil
	}
	if depth > maxDepth {
		return fmt.Errorf("index %s: %w", d.Digest, refused("more than %d indices in each other", maxDepth))
	}
	switch {
	case d.MediaType.IsIndex():
		index, err := w.l.index(d)
		if err != nil {
			return err
		}
		for _, child := range index.Manifests {
			if err := w.manifest(ctx, child, depth+1); err != nil {
				return fmt.Errorf("index %s: %w", d.Digest, err)
			}
		}
	case d.MediaType.IsImage():
		if err := w.image(d); err != nil {
			return err
		}
	default:
		return fmt.Errorf("manifest %s: %w", d.Digest, refused("of the type %q, neither an image nor an index", d.MediaType))
	}
	return w.blob(d)
}

// image visits what an image's manifest refers to.
func (w *walk) image(d v1.Descriptor) error {
	m, err := w.l.image(d)
	if err != nil {
		return err
	}
	config, err := w.l.config(m)
	if err != nil {
		return fmt.Errorf("manifest %s: %w", d.Digest, err)
	}
	if config != nil && d.Platform != nil && !samePlatform(d.Platform, config.Platform()) {
		return fmt.Errorf("manifest %s: of %s, its configuration of %s: %w", d.Digest, d.Platform, config.Platform(), ErrDocument)
	}
	for _, part := range slices.Concat(m.Layers, []v1.Descriptor{m.Config}) {
		if err := w.blob(part); err != nil {
			return fmt.Errorf("manifest %s: %w", d.Digest, err)
		}
	}
	return nil
}

// blob visits one blob, the first time that it is met.
func (w *walk) blob(d v1.Descriptor) error {
	if size, ok := w.seen[d.Digest]; ok && size == d.Size {
		return nil
	}
	if _, err := w.l.stat(d.Digest, d.Size); err != nil {
		return err
	}
	w.seen[d.Digest] = d.Size
	return w.visit(Blob{Descriptor: d, Path: w.l.Path(d.Digest)})
}

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

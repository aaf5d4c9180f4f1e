package image

import (
	"context"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Blob is a blob that an image or an index needs.
type Blob struct {
	v1.Descriptor
	Path string
}

// Walk visits every blob that root needs, each once and after those that it refers to itself: layers, then the image's
// configuration, then its manifest, then the index. That is the order in which a registry takes them. Documents are read
// and checked whole; layers are only looked for, in the right size. An error of visit ends the walk.
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

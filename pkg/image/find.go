package image

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/hint"
	"kubedist/pkg/platform"
)

// Images returns the images of root, an index or an image, sorted by platform. What is beside them in an index but is for no
// platform (attestations) is left out.
func (l *Layout) Images(ctx context.Context, root v1.Descriptor) ([]v1.Descriptor, error) {
	images, err := l.images(ctx, root, map[v1.Hash]bool{}, 1)
	slices.SortStableFunc(images, func(a, b v1.Descriptor) int { return comparePlatforms(a.Platform, b.Platform) })
	return images, err
}

func (l *Layout) images(ctx context.Context, root v1.Descriptor, seen map[v1.Hash]bool, depth int) ([]v1.Descriptor, error) {
	again := seen[root.Digest]
	seen[root.Digest] = true
	switch {
	case again:
		return nil, nil
	case depth > maxDepth:
		return nil, fmt.Errorf("index %s: %w", root.Digest, refused("more than %d indices in each other", maxDepth))
	case root.Platform != nil && root.Platform.OS == "unknown":
		return nil, nil
	case !root.MediaType.IsIndex():
		image, err := l.Describe(ctx, root)
		if err != nil {
			return nil, err
		}
		image.Annotations = root.Annotations
		return []v1.Descriptor{image.Descriptor}, nil
	}
	index, err := l.index(root)
	if err != nil {
		return nil, err
	}
	var images []v1.Descriptor
	for _, d := range index.Manifests {
		more, err := l.images(ctx, d, seen, depth+1)
		if err != nil {
			return nil, fmt.Errorf("index %s: %w", root.Digest, err)
		}
		images = append(images, more...)
	}
	return images, nil
}

// Find returns the image of a platform that a reference leads to. The name may be empty when the layout has but one. No
// such name and no such platform are errors that wrap fs.ErrNotExist, whose hint says what there is.
func (l *Layout) Find(ctx context.Context, name string, p platform.ID) (v1.Descriptor, error) {
	refs, err := l.References()
	if err != nil {
		return v1.Descriptor{}, err
	}
	var names []string
	found := slices.DeleteFunc(slices.Clone(refs), func(ref Reference) bool {
		names = append(names, ref.Name)
		return name != "" && ref.Name != name
	})
	if len(found) != 1 {
		err := fmt.Errorf("layout %s: %d images of the name %q: %w", l.dir, len(found), name, fs.ErrNotExist)
		return v1.Descriptor{}, hint.With(err, "take one of these names: "+strings.Join(names, ", "))
	}
	images, err := l.Images(ctx, found[0].Descriptor)
	if err != nil {
		return v1.Descriptor{}, fmt.Errorf("layout %s: %w", l.dir, err)
	}
	var platforms []string
	for _, d := range images {
		if plain(idOf(d.Platform)) == plain(p) {
			return d, nil
		}
		platforms = append(platforms, d.Platform.String())
	}
	err = fmt.Errorf("layout %s: image %s: none for %s: %w", l.dir, found[0].Name, p, fs.ErrNotExist)
	return v1.Descriptor{}, hint.With(err, "it has images for these platforms: "+strings.Join(platforms, ", "))
}

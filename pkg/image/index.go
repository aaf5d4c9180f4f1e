package image

import (
	"context"
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"kubedist/pkg/ocilayout"
)

// WriteIndex writes an index (manifest list) over images that are in the layout, one for each platform, in the order of
// their platforms whatever the order they come in. It is an error when there are none, when two are of one platform, and
// when an image is of another platform than its descriptor says: the configuration decides.
func (l *Layout) WriteIndex(ctx context.Context, images []v1.Descriptor) (Written, error) {
	written, err := l.writeIndex(ctx, images)
	if err != nil {
		return Written{}, fmt.Errorf("index: %w", err)
	}
	return written, nil
}

func (l *Layout) writeIndex(ctx context.Context, images []v1.Descriptor) (Written, error) {
	if len(images) == 0 {
		return Written{}, errors.New("no images")
	}
	if len(images) > ocilayout.MaxEntries {
		return Written{}, fmt.Errorf("%d images, more than %d", len(images), ocilayout.MaxEntries)
	}
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	for _, d := range images {
		if err := ctx.Err(); err != nil {
			return Written{}, err
		}
		image, err := l.describe(d)
		if err != nil {
			return Written{}, err
		}
		index.Manifests = append(index.Manifests, image.descriptor)
	}
	byPlatform := func(a, b v1.Descriptor) int { return comparePlatforms(a.Platform, b.Platform) }
	slices.SortFunc(index.Manifests, byPlatform)
	for i, d := range index.Manifests[1:] {
		if byPlatform(index.Manifests[i], d) == 0 {
			return Written{}, fmt.Errorf("two images of %s, %s and %s", d.Platform, index.Manifests[i].Digest, d.Digest)
		}
	}
	d, err := l.writeJSON(ctx, types.OCIImageIndex, index)
	if err != nil {
		return Written{}, err
	}
	return Written{Descriptor: d, Files: []string{l.Path(d.Digest)}}, nil
}

// described is an image that is in the layout.
type described struct {
	descriptor v1.Descriptor // with the platform that the configuration says
	manifest   *v1.Manifest
	config     *v1.ConfigFile
}

// describe reads the documents of an image, and looks for its layers. A platform of d has to be that of the configuration.
func (l *Layout) describe(d v1.Descriptor) (described, error) {
	if !d.MediaType.IsImage() {
		return described{}, fmt.Errorf("%s is no image but of the type %q", d.Digest, d.MediaType)
	}
	tree, err := l.read().Tree(d)
	if err != nil {
		return described{}, err
	}
	config, err := l.read().Config(tree.Manifest)
	switch {
	case err != nil:
		return described{}, fmt.Errorf("image %s: %w", d.Digest, err)
	case config == nil || config.OS == "" || config.Architecture == "":
		return described{}, fmt.Errorf("image %s: its configuration names no platform", d.Digest)
	case d.Platform != nil && !samePlatform(d.Platform, config.Platform()):
		return described{}, fmt.Errorf("image %s: of %s, as its configuration says, not of %s", d.Digest, config.Platform(), d.Platform)
	}
	plain := v1.Descriptor{MediaType: d.MediaType, Size: d.Size, Digest: d.Digest, Platform: config.Platform()}
	return described{plain, tree.Manifest, config}, nil
}

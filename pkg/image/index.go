package image

import (
	"context"
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// WriteIndex writes an index (manifest list) over images that are in the layout, one for each platform, in the order of
// their platforms whatever the order they come in. It is an error when there are none, when two are of one platform, and
// when an image is of another platform than its descriptor says: the configuration decides.
func (l *Layout) WriteIndex(ctx context.Context, images []v1.Descriptor, annotations map[string]string) (Written, error) {
	written, err := l.writeIndex(ctx, images, annotations)
	if err != nil {
		return Written{}, fmt.Errorf("index: %w", err)
	}
	return written, nil
}

func (l *Layout) writeIndex(ctx context.Context, images []v1.Descriptor, annotations map[string]string) (Written, error) {
	if len(images) == 0 {
		return Written{}, errors.New("no images")
	}
	if len(images) > maxManifests {
		return Written{}, fmt.Errorf("%d images, more than %d", len(images), maxManifests)
	}
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Annotations: annotations}
	for _, d := range images {
		image, err := l.Describe(ctx, d)
		if err != nil {
			return Written{}, err
		}
		if !image.MediaType.IsImage() {
			return Written{}, fmt.Errorf("%s is no image but of the type %s", d.Digest, d.MediaType)
		}
		image.Annotations = d.Annotations
		index.Manifests = append(index.Manifests, image.Descriptor)
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

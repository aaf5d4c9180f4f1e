package release

import (
	"context"
	"errors"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/image"
	"kubedist/pkg/tarball"
)

// baseKey names a base for a platform.
type baseKey struct{ name, platform string }

// imageBase is what images of a platform are built on.
type imageBase struct {
	digest  string           // of all that decides its bytes
	archive *tarball.Archive // of one that is assembled of packages
	image   v1.Image         // of one that others have made
}

// in puts the base into the layout of the release: as an image, or as the layers that are the lowest of one.
func (b *imageBase) in(ctx context.Context, r *run, platform string) (*image.Base, []image.Layer, error) {
	if b.image != nil {
		base, err := r.layout.Import(ctx, b.image)
		return base, nil, err
	}
	layer, err := r.layer(ctx, b.archive, undated, "base", platform, b.digest)
	if err != nil {
		return nil, nil, err
	}
	layer.CreatedBy = "kubedist: base of Debian packages"
	return nil, []image.Layer{layer}, nil
}

// openBases fetches what the images of the plan are built on, before anything is compiled.
func (r *run) openBases(ctx context.Context) error {
	r.bases = map[baseKey]*imageBase{}
	for _, p := range r.plan.Platforms {
		for _, i := range p.Images {
			if i.Spec.Base != "" {
				return errors.New("not yet")
			}
		}
	}
	return nil
}

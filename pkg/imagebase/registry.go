package imagebase

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"kubedist/pkg/hint"
	"kubedist/pkg/platform"
)

// fromRegistry finds an image in a registry: by the digest of it, or of an index that it is in. The registry is trusted
// with nothing: what comes has the digest that was asked for, or is refused.
func fromRegistry(ctx context.Context, repository string, want v1.Hash, id platform.ID, options []remote.Option) (v1.Image, error) {
	repo, err := name.NewRepository(repository, name.StrictValidation)
	if err != nil {
		return nil, err
	}
	options = append([]remote.Option{remote.WithContext(ctx)}, options...)
	found, err := remote.Get(repo.Digest(want.String()), options...)
	if err != nil {
		return nil, hint.With(fmt.Errorf("manifest: %w", err), "check the reference of the base, the network, and whether you are logged in to the registry")
	}
	if found.MediaType.IsIndex() || isIndex(found.Manifest) {
		d, err := choose(found.Manifest, id)
		if err != nil {
			return nil, err
		}
		if found, err = remote.Get(repo.Digest(d.Digest.String()), options...); err != nil {
			return nil, fmt.Errorf("manifest: %w", err)
		}
	}
	if !found.MediaType.IsImage() {
		return nil, fmt.Errorf("manifest: %w: of type %q", ErrUnusable, found.MediaType)
	}
	m, err := parseManifest(found.Manifest)
	if err != nil {
		return nil, err
	}
	img, err := found.Image()
	if err != nil {
		return nil, err
	}
	config, err := img.RawConfigFile()
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return img, checkConfig(config, m, id)
}

package imagebase

import (
	"context"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/ocilayout"
	"kubedist/pkg/platform"
	"kubedist/pkg/registry"
)

// fromRegistry finds an image in a registry. The registry is trusted with nothing: what comes has the digest that was asked
// for, or is refused. Layers are fetched when they are read, for which ctx has to last.
func fromRegistry(ctx context.Context, c *registry.Client, repository string, want v1.Hash, id platform.ID) (v1.Image, error) {
	if c == nil {
		var err error
		if c, err = registry.New(registry.Options{}); err != nil {
			return nil, err
		}
	}
	repo, err := c.Repository(repository)
	if err != nil {
		return nil, err
	}
	document := func(digest v1.Hash) ([]byte, error) {
		_, raw, err := c.Get(ctx, repo.Digest(digest.String()))
		return raw, err
	}
	blob := func(d v1.Descriptor) (io.ReadCloser, error) { return c.Blob(ctx, repo, d) }
	image, config, err := source{document, blob}.find(want, id)
	if err != nil {
		return nil, err
	}
	return ocilayout.NewImage(image, config, blob)
}

package imagebase

import (
	"context"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/ocilayout"
	"kubedist/pkg/platform"
	"kubedist/pkg/registry"
)

// fromRegistry finds an image in a registry: by the digest of it, or of an index that it is in. The registry is trusted
// with nothing: what comes has the digest that was asked for, or is refused. Layers are fetched when they are read, for which
// ctx has to last.
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
	found, raw, err := c.Get(ctx, repo.Digest(want.String()))
	if err != nil {
		return nil, err
	}
	if found.MediaType.IsIndex() || isIndex(raw) {
		d, err := choose(raw, id)
		if err != nil {
			return nil, err
		}
		if found, raw, err = c.Get(ctx, repo.Digest(d.Digest.String())); err != nil {
			return nil, err
		}
	}
	if !found.MediaType.IsImage() {
		return nil, fmt.Errorf("manifest: %w: of type %q", ErrUnusable, found.MediaType)
	}
	m, err := parseManifest(raw)
	if err != nil {
		return nil, err
	}
	open := func(d v1.Descriptor) (io.ReadCloser, error) { return c.Blob(ctx, repo, d) }
	body, err := open(m.Config)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	defer body.Close()
	config, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if err := checkConfig(config, m, id); err != nil {
		return nil, err
	}
	return ocilayout.NewImage(&ocilayout.Tree{Descriptor: found, Raw: raw, Manifest: m}, config, open)
}

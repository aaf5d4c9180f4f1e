package imagebase

import (
	"context"
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"kubedist/pkg/platform"
	"kubedist/pkg/registry"
)

// fromRegistry finds an image in a registry: by the digest of it, or of an index that it is in. The registry is trusted
// with nothing: what comes has the digest that was asked for, or is refused.
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
	img := &registryImage{ctx: ctx, client: c, repo: repo, raw: raw, mediaType: found.MediaType, manifest: m}
	if img.config, err = img.read(m.Config); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if err := checkConfig(img.config, m, id); err != nil {
		return nil, err
	}
	return partial.CompressedToImage(img)
}

// registryImage is an image in a registry, as partial.CompressedToImage wants it. Its layers are fetched when they are
// read, for which the context has to last.
type registryImage struct {
	ctx       context.Context
	client    *registry.Client
	repo      name.Repository
	raw       []byte
	config    []byte
	mediaType types.MediaType
	manifest  *v1.Manifest
}

func (i *registryImage) RawManifest() ([]byte, error)        { return i.raw, nil }
func (i *registryImage) RawConfigFile() ([]byte, error)      { return i.config, nil }
func (i *registryImage) MediaType() (types.MediaType, error) { return i.mediaType, nil }

// LayerByDigest returns a layer, or the configuration, which readers take for one.
func (i *registryImage) LayerByDigest(digest v1.Hash) (partial.CompressedLayer, error) {
	for _, d := range append([]v1.Descriptor{i.manifest.Config}, i.manifest.Layers...) {
		if d.Digest == digest {
			return &registryLayer{i, d}, nil
		}
	}
	return nil, fmt.Errorf("blob %s: %w: not in the manifest", digest, ErrUnusable)
}

// read reads a small blob, whose size was checked.
func (i *registryImage) read(d v1.Descriptor) ([]byte, error) {
	body, err := i.client.Blob(i.ctx, i.repo, d)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

type registryLayer struct {
	image      *registryImage
	descriptor v1.Descriptor
}

func (l *registryLayer) Digest() (v1.Hash, error)            { return l.descriptor.Digest, nil }
func (l *registryLayer) Size() (int64, error)                { return l.descriptor.Size, nil }
func (l *registryLayer) MediaType() (types.MediaType, error) { return l.descriptor.MediaType, nil }
func (l *registryLayer) Compressed() (io.ReadCloser, error) {
	return l.image.client.Blob(l.image.ctx, l.image.repo, l.descriptor)
}

package image

import (
	"context"
	"fmt"
	"io"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"kubedist/pkg/ocilayout"
	"kubedist/pkg/platform"
)

// Base is what an image is built on: another image's layers, which are in the layout, and its configuration.
type Base struct {
	Layers []Layer
	Config v1.ConfigFile
}

// layerTypes says how a manifest of the OCI names a layer of each type that can be part of an image. Docker's types are
// other names for the same bytes.
var layerTypes = map[types.MediaType]types.MediaType{
	types.DockerLayer:             types.OCILayer,
	types.DockerUncompressedLayer: types.OCIUncompressedLayer,
	types.OCILayer:                types.OCILayer,
	types.OCILayerZStd:            types.OCILayerZStd,
	types.OCIUncompressedLayer:    types.OCIUncompressedLayer,
}

// Import makes a base of an image: of one in a registry, or of one in another layout ([ocilayout.Layout.Image]). Its
// layers are copied into the layout, except those that are there, and checked by digest and size. What they hold is not
// looked at. An image that says other things about its layers than it has, or that has layers which may not be passed
// on, is an error.
func (l *Layout) Import(ctx context.Context, img v1.Image) (*Base, error) {
	base, err := l.importImage(ctx, img)
	if err != nil {
		return nil, fmt.Errorf("base: %w", err)
	}
	return base, nil
}

func (l *Layout) importImage(ctx context.Context, img v1.Image) (*Base, error) {
	raw, err := img.RawManifest()
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	mediaType, err := img.MediaType()
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	manifest, err := ocilayout.ParseBase(raw, mediaType)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	rawConfig, err := img.RawConfigFile()
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	sum := newDigester(io.Discard)
	_, _ = sum.Write(rawConfig)
	if sum.digest() != manifest.Config.Digest {
		return nil, fmt.Errorf("configuration %s: has the digest %s: %w", manifest.Config.Digest, sum.digest(), ocilayout.ErrDamaged)
	}
	config, err := ocilayout.ParseBaseConfig(rawConfig, manifest)
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", manifest.Config.Digest, err)
	}
	base := &Base{Config: *config}
	for i, d := range manifest.Layers {
		layer := Layer{Digest: d.Digest, Size: d.Size, MediaType: layerTypes[d.MediaType], DiffID: config.RootFS.DiffIDs[i]}
		if err := l.copyLayer(ctx, img, layer); err != nil {
			return nil, err
		}
		base.Layers = append(base.Layers, layer)
	}
	return base, nil
}

// copyLayer copies the blob of an image's layer.
func (l *Layout) copyLayer(ctx context.Context, img v1.Image, layer Layer) error {
	return l.ensure(ctx, layer.Digest, layer.Size, func() (io.ReadCloser, error) {
		from, err := img.LayerByDigest(layer.Digest)
		if err != nil {
			return nil, err
		}
		return from.Compressed()
	})
}

// platform is that of the base's configuration.
func (b Base) platform() platform.ID {
	return platform.ID{OS: b.Config.OS, Arch: b.Config.Architecture, Variant: b.Config.Variant}
}

// history returns the base's history, with one entry for each layer and perhaps some for none. A history that does not
// fit the layers, as readers demand, is replaced by one that does.
func (b Base) history() []v1.History {
	count := 0
	for _, h := range b.Config.History {
		if !h.EmptyLayer {
			count++
		}
	}
	if count == len(b.Layers) {
		return slices.Clone(b.Config.History)
	}
	history := make([]v1.History, len(b.Layers))
	for i := range history {
		history[i] = v1.History{Created: b.Config.Created, CreatedBy: "base"}
	}
	return history
}

package ocilayout

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// MaxLayers is how many layers the overlay driver of docker mounts.
	MaxLayers = 127
	// MaxLayer is how large a layer of others may be, in bytes: what the large registries take.
	MaxLayer = 10 << 30
)

// ParseBase is [ParseManifest] for an image to build on. Its layers have to be of types that are known and may be passed
// on, must not lie elsewhere, and are no more and no larger than others take.
func ParseBase(raw []byte, mediaType types.MediaType) (*v1.Manifest, error) {
	m, err := ParseManifest(raw, mediaType)
	if err != nil {
		return nil, err
	}
	switch {
	case !m.Config.MediaType.IsConfig():
		return nil, refused("its configuration is of the type %q", m.Config.MediaType)
	case len(m.Config.URLs) > 0:
		return nil, refused("configuration %s: may not be passed on", m.Config.Digest)
	case len(m.Layers) == 0 || len(m.Layers) > MaxLayers:
		return nil, refused("%d layers, not 1 to %d", len(m.Layers), MaxLayers)
	}
	for _, d := range m.Layers {
		switch {
		case !d.MediaType.IsLayer():
			return nil, refused("layer %s: of the type %q, which is none that is known", d.Digest, d.MediaType)
		case !d.MediaType.IsDistributable() || len(d.URLs) > 0:
			return nil, refused("layer %s: may not be passed on", d.Digest)
		case d.Size > MaxLayer:
			return nil, refused("layer %s: %d bytes, more than %d", d.Digest, d.Size, int64(MaxLayer))
		}
	}
	return m, nil
}

// ParseBaseConfig is [ParseConfig] for an image to build on: it speaks of as many layers as the manifest.
func ParseBaseConfig(raw []byte, m *v1.Manifest) (*v1.ConfigFile, error) {
	config, err := ParseConfig(raw)
	if err != nil {
		return nil, err
	}
	if have, want := len(m.Layers), len(config.RootFS.DiffIDs); have != want {
		return nil, refused("%d layers, and a configuration that speaks of %d", have, want)
	}
	return config, nil
}

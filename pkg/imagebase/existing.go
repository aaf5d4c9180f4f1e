package imagebase

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/hint"
	"kubedist/pkg/platform"
)

// What is read of an image that was there already: many times what images have. Registries take manifests of 4 MiB
// (distribution specification of OCI).
const (
	maxManifest = 4 << 20
	maxConfig   = 8 << 20
	maxLayers   = 127 // that the overlay driver mounts
	maxEntries  = 1000
)

// ErrUnusable is in the chain of errors about an image that is not what the specification names, or that nothing can be
// built on.
var ErrUnusable = errors.New("no image to build on")

// choose finds the image of a platform in an index.
func choose(raw []byte, id platform.ID) (v1.Descriptor, error) {
	index, err := v1.ParseIndexManifest(bytes.NewReader(raw))
	if err != nil {
		return v1.Descriptor{}, fmt.Errorf("index: %w: %w", ErrUnusable, err)
	}
	if len(index.Manifests) > maxEntries {
		return v1.Descriptor{}, fmt.Errorf("index: %w: more than %d entries", ErrUnusable, maxEntries)
	}
	var others []string
	for _, d := range index.Manifests {
		switch {
		case d.Platform == nil || !d.MediaType.IsImage():
		case sameMachine(*d.Platform, id):
			return d, checkDescriptor(d, maxManifest)
		default:
			others = append(others, d.Platform.String())
		}
	}
	return v1.Descriptor{}, hint.Errorf("take a base that has an image of the platform; this one has "+strings.Join(others, ", "), "index: %w: none for %s", ErrUnusable, id)
}

// sameMachine reports whether an image of a platform runs on another. The variant that every machine of an architecture has
// may be left out (image index specification of OCI).
func sameMachine(p v1.Platform, id platform.ID) bool {
	variant := p.Variant
	if p.Architecture == "arm64" && variant == "v8" || p.Architecture == "amd64" && variant == "v1" {
		variant = ""
	}
	return p.OS == id.OS && p.Architecture == id.Arch && variant == id.Variant
}

// checkDescriptor refuses what names no blob of a sensible size, or one that lies elsewhere.
func checkDescriptor(d v1.Descriptor, most int64) error {
	switch {
	case d.Digest.Algorithm != "sha256" || len(d.Digest.Hex) != 64 || strings.Trim(d.Digest.Hex, "0123456789abcdef") != "":
		return fmt.Errorf("%w: digest %s is not a SHA-256", ErrUnusable, d.Digest)
	case d.Size < 0 || d.Size > most:
		return fmt.Errorf("blob %s: %w: of %d bytes, with at most %d allowed", d.Digest, ErrUnusable, d.Size, most)
	case len(d.URLs) > 0:
		return fmt.Errorf("blob %s: %w: may not be passed on", d.Digest, ErrUnusable)
	}
	return nil
}

// maxLayer is how large a layer may be, in bytes: what large registries take.
const maxLayer = 10 << 30

// parseManifest reads an image's manifest and checks what it refers to.
func parseManifest(raw []byte) (*v1.Manifest, error) {
	m, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("manifest: %w: %w", ErrUnusable, err)
	}
	switch {
	case !m.Config.MediaType.IsConfig():
		return nil, fmt.Errorf("manifest: %w: its configuration is of type %q", ErrUnusable, m.Config.MediaType)
	case len(m.Layers) == 0 || len(m.Layers) > maxLayers:
		return nil, fmt.Errorf("manifest: %w: %d layers, not 1 to %d", ErrUnusable, len(m.Layers), maxLayers)
	}
	if err := checkDescriptor(m.Config, maxConfig); err != nil {
		return nil, fmt.Errorf("manifest: configuration: %w", err)
	}
	for _, d := range m.Layers {
		if !d.MediaType.IsLayer() || !d.MediaType.IsDistributable() {
			return nil, fmt.Errorf("manifest: layer %s: %w: of type %q", d.Digest, ErrUnusable, d.MediaType)
		}
		if err := checkDescriptor(d, maxLayer); err != nil {
			return nil, fmt.Errorf("manifest: layer: %w", err)
		}
	}
	return m, nil
}

// checkConfig refuses a configuration that is of another platform, or of other layers than the manifest.
func checkConfig(raw []byte, m *v1.Manifest, id platform.ID) error {
	var config v1.ConfigFile
	if err := json.Unmarshal(raw, &config); err != nil {
		return fmt.Errorf("configuration: %w: %w", ErrUnusable, err)
	}
	if len(config.RootFS.DiffIDs) != len(m.Layers) {
		return fmt.Errorf("configuration: %w: %d layers, and %d in the manifest", ErrUnusable, len(config.RootFS.DiffIDs), len(m.Layers))
	}
	if p := config.Platform(); p == nil || !sameMachine(*p, id) {
		return hint.Errorf("take a base that has an image of the platform", "configuration: %w: it is of %s, not of %s", ErrUnusable, p, id)
	}
	return nil
}

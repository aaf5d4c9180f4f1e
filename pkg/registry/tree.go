package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"kubedist/pkg/hint"
)

// maxEntries bounds how many manifests an index, and how many layers an image may have.
const maxEntries = 1000

// Tree is a manifest with all that it names, ready to be pushed: an image with its blobs, or an index with its images.
type Tree struct {
	Descriptor v1.Descriptor // with the platform, where whoever named it says so
	Raw        []byte
	Images     []*Tree // of an index
	Blobs      []Blob  // of an image: its configuration and layers
}

// Blob is content of an image.
type Blob struct {
	Descriptor v1.Descriptor
	content    v1.Layer
}

// RawManifest and MediaType let the library send the manifest.
func (t *Tree) RawManifest() ([]byte, error) { return t.Raw, nil }

// MediaType is that of the manifest.
func (t *Tree) MediaType() (types.MediaType, error) { return t.Descriptor.MediaType, nil }

// Platforms names the platforms of an index, in its order.
func (t *Tree) Platforms() []string {
	names := []string{}
	for _, image := range t.Images {
		if p := image.Descriptor.Platform; p != nil {
			names = append(names, p.String())
		}
	}
	return names
}

// ParseIndex reads an index or manifest list and checks what it says of its manifests: that they are images, with digests
// and sizes that can be.
func ParseIndex(raw []byte, mediaType types.MediaType) (*v1.IndexManifest, error) {
	if !mediaType.IsIndex() {
		return nil, fmt.Errorf("media type %q: not that of an index", mediaType)
	}
	var index v1.IndexManifest
	if err := decode(raw, &index); err != nil {
		return nil, err
	}
	if err := checkHead(index.SchemaVersion, index.MediaType, mediaType, len(index.Manifests)); err != nil {
		return nil, err
	}
	for i, d := range index.Manifests {
		if err := checkManifest(d); err != nil {
			return nil, fmt.Errorf("manifest %d: %w", i+1, err)
		}
	}
	return &index, nil
}

// ParseImage reads the manifest of an image and checks what it says of its blobs.
func ParseImage(raw []byte, mediaType types.MediaType) (*v1.Manifest, error) {
	if mediaType.IsSchema1() {
		return nil, hint.Errorf("build the image anew", "media type %q: a format that registries gave up in 2020", mediaType)
	}
	if !mediaType.IsImage() {
		return nil, fmt.Errorf("media type %q: not that of an image", mediaType)
	}
	var m v1.Manifest
	if err := decode(raw, &m); err != nil {
		return nil, err
	}
	if err := checkHead(m.SchemaVersion, m.MediaType, mediaType, len(m.Layers)); err != nil {
		return nil, err
	}
	if err := checkDescriptor(m.Config); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	sizes := map[v1.Hash]int64{m.Config.Digest: m.Config.Size}
	for i, d := range m.Layers {
		if err := checkDescriptor(d); err != nil {
			return nil, fmt.Errorf("layer %d: %w", i+1, err)
		}
		if size, seen := sizes[d.Digest]; seen && size != d.Size {
			return nil, fmt.Errorf("layer %d: %s has two sizes, %d and %d", i+1, d.Digest, size, d.Size)
		}
		sizes[d.Digest] = d.Size
	}
	return &m, nil
}

// blobsOf lists the blobs of an image once each, without those that registries do not keep.
func blobsOf(m *v1.Manifest, content func(v1.Descriptor) v1.Layer) []Blob {
	var blobs []Blob
	seen := map[v1.Hash]bool{}
	for _, d := range append([]v1.Descriptor{m.Config}, m.Layers...) {
		if !seen[d.Digest] && d.MediaType.IsDistributable() {
			blobs = append(blobs, Blob{d, content(d)})
		}
		seen[d.Digest] = true
	}
	return blobs
}

func parseConfig(raw []byte, of string) (*v1.ConfigFile, error) {
	var c v1.ConfigFile
	if err := decode(raw, &c); err != nil {
		return nil, fmt.Errorf("configuration %s: %w", of, err)
	}
	return &c, nil
}

// decode reads one JSON object and nothing after it.
func decode(raw []byte, into any) error {
	if len(raw) > maxManifest {
		return fmt.Errorf("larger than %d bytes", maxManifest)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("not the JSON of one: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows its JSON")
	}
	return nil
}

func checkHead(schema int64, says, is types.MediaType, entries int) error {
	switch {
	case schema != 2:
		return fmt.Errorf("schema version %d, not 2", schema)
	case says != "" && says != is:
		return fmt.Errorf("media type %q, and it was called %q", says, is)
	case entries > maxEntries:
		return fmt.Errorf("more than %d entries", maxEntries)
	}
	return nil
}

func checkDescriptor(d v1.Descriptor) error {
	switch {
	case d.Digest.Algorithm != "sha256":
		return fmt.Errorf("digest %q: not a SHA-256", d.Digest.Algorithm)
	case d.Size < 0:
		return fmt.Errorf("%s: %d bytes", d.Digest, d.Size)
	}
	return nil
}

// checkManifest checks what an index says of an image.
func checkManifest(d v1.Descriptor) error {
	if err := checkDescriptor(d); err != nil {
		return err
	}
	if d.Size > maxManifest {
		return fmt.Errorf("%s: %d bytes, more than %d", d.Digest, d.Size, maxManifest)
	}
	if !d.MediaType.IsImage() {
		return fmt.Errorf("%s: media type %q: not that of an image", d.Digest, d.MediaType)
	}
	return nil
}

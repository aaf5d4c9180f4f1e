package registry

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

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

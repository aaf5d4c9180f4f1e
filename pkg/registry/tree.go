package registry

import (
	"errors"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
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

// blob is content by its digest, in the form that the library uploads.
type blob struct {
	descriptor v1.Descriptor
	open       func() (io.ReadCloser, error) // ocilayout.Verified
}

func (b *blob) Digest() (v1.Hash, error)             { return b.descriptor.Digest, nil }
func (b *blob) Size() (int64, error)                 { return b.descriptor.Size, nil }
func (b *blob) MediaType() (types.MediaType, error)  { return b.descriptor.MediaType, nil }
func (b *blob) DiffID() (v1.Hash, error)             { return v1.Hash{}, errNotUnpacked }
func (b *blob) Uncompressed() (io.ReadCloser, error) { return nil, errNotUnpacked }

// errNotUnpacked is what a blob has no use for.
var errNotUnpacked = errors.New("blob that is only copied: not unpacked")

// Compressed opens the content, checked while it is read.
func (b *blob) Compressed() (io.ReadCloser, error) { return b.open() }

// mountable is a blob that another repository has; the registry may take it from there.
func mountable(b v1.Layer, from name.Repository, digest v1.Hash) v1.Layer {
	return &remote.MountableLayer{Layer: b, Reference: from.Digest(digest.String())}
}

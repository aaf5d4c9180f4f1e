package ocilayout

import (
	"fmt"
	"io"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Image returns an image as go-containerregistry has images. Its documents are read and checked now, its layers are looked
// for, and checked while they are read.
func (l Layout) Image(d v1.Descriptor) (v1.Image, error) {
	tree, err := l.image(d)
	if err != nil {
		return nil, err
	}
	config, err := l.Document(tree.Manifest.Config)
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", d.Digest, err)
	}
	return NewImage(tree, config, l.Blob)
}

// NewImage returns an image whose documents were read and checked. open is how its blobs are opened; what it gives has to
// be [Verified].
func NewImage(image *Tree, config []byte, open func(v1.Descriptor) (io.ReadCloser, error)) (v1.Image, error) {
	return partial.CompressedToImage(&imageView{image, config, open})
}

// imageView is an image as package partial wants it.
type imageView struct {
	*Tree
	config []byte
	open   func(v1.Descriptor) (io.ReadCloser, error)
}

func (v *imageView) MediaType() (types.MediaType, error) { return v.Descriptor.MediaType, nil }
func (v *imageView) RawManifest() ([]byte, error)        { return v.Raw, nil }
func (v *imageView) RawConfigFile() ([]byte, error)      { return v.config, nil }

// LayerByDigest returns a layer, or the configuration, which readers take for one.
func (v *imageView) LayerByDigest(digest v1.Hash) (partial.CompressedLayer, error) {
	for _, d := range slices.Concat(v.Manifest.Layers, []v1.Descriptor{v.Manifest.Config}) {
		if d.Digest == digest {
			return layerView{v, d}, nil
		}
	}
	return nil, fmt.Errorf("manifest %s: no layer %s", v.Descriptor.Digest, digest)
}

// layerView is a layer of an image.
type layerView struct {
	image      *imageView
	descriptor v1.Descriptor
}

func (v layerView) Digest() (v1.Hash, error)            { return v.descriptor.Digest, nil }
func (v layerView) Size() (int64, error)                { return v.descriptor.Size, nil }
func (v layerView) MediaType() (types.MediaType, error) { return v.descriptor.MediaType, nil }
func (v layerView) Compressed() (io.ReadCloser, error)  { return v.image.open(v.descriptor) }

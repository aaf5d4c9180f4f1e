package image

import (
	"context"
	"errors"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Image returns an image of the layout as go-containerregistry has images: to push it, or to import it into another
// layout. Its documents are read and checked now, its layers are checked while they are read.
func (l *Layout) Image(ctx context.Context, d v1.Descriptor) (v1.Image, error) {
	image, err := l.Describe(ctx, d)
	if err != nil {
		return nil, err
	}
	view := &imageView{l: l, mediaType: image.MediaType}
	if view.raw, err = l.document(image.Descriptor); err != nil {
		return nil, err
	}
	if view.manifest, err = parseImage(view.raw, image.MediaType); err != nil {
		return nil, err
	}
	if view.config, err = l.document(view.manifest.Config); err != nil {
		return nil, err
	}
	return partial.CompressedToImage(view)
}

// Index returns an index of the layout as go-containerregistry has indices. The ctx is that of Image for all its images.
func (l *Layout) Index(ctx context.Context, d v1.Descriptor) (v1.ImageIndex, error) {
	full, err := l.complete(d)
	if err != nil {
		return nil, err
	}
	view := &indexView{image: func(d v1.Descriptor) (v1.Image, error) { return l.Image(ctx, d) }, d: full}
	view.index = func(d v1.Descriptor) (v1.ImageIndex, error) { return l.Index(ctx, d) }
	if view.raw, err = l.document(full); err != nil {
		return nil, err
	}
	if view.manifest, err = parseIndex(view.raw, full.MediaType, maxManifests); err != nil {
		return nil, err
	}
	return view, nil
}

// imageView is an image of a layout for package partial.
type imageView struct {
	l         *Layout
	mediaType types.MediaType
	raw       []byte
	config    []byte
	manifest  *v1.Manifest
}

func (v *imageView) MediaType() (types.MediaType, error) { return v.mediaType, nil }
func (v *imageView) RawManifest() ([]byte, error)        { return v.raw, nil }
func (v *imageView) RawConfigFile() ([]byte, error)      { return v.config, nil }

func (v *imageView) LayerByDigest(digest v1.Hash) (partial.CompressedLayer, error) {
	for _, d := range v.manifest.Layers {
		if d.Digest == digest {
			return layerView{v.l, d}, nil
		}
	}
	return nil, errors.New("no layer " + digest.String())
}

// layerView is a layer of a layout for package partial.
type layerView struct {
	l *Layout
	d v1.Descriptor
}

func (v layerView) Digest() (v1.Hash, error)            { return v.d.Digest, nil }
func (v layerView) Size() (int64, error)                { return v.d.Size, nil }
func (v layerView) MediaType() (types.MediaType, error) { return v.d.MediaType, nil }
func (v layerView) Compressed() (io.ReadCloser, error)  { return v.l.open(v.d.Digest, v.d.Size) }
func (v layerView) Descriptor() (*v1.Descriptor, error) { return &v.d, nil }

// indexView is an index of a layout.
type indexView struct {
	d        v1.Descriptor
	raw      []byte
	manifest *v1.IndexManifest
	image    func(v1.Descriptor) (v1.Image, error)
	index    func(v1.Descriptor) (v1.ImageIndex, error)
}

func (v *indexView) MediaType() (types.MediaType, error)       { return v.d.MediaType, nil }
func (v *indexView) Digest() (v1.Hash, error)                  { return v.d.Digest, nil }
func (v *indexView) Size() (int64, error)                      { return v.d.Size, nil }
func (v *indexView) IndexManifest() (*v1.IndexManifest, error) { return v.manifest.DeepCopy(), nil }
func (v *indexView) RawManifest() ([]byte, error)              { return v.raw, nil }
func (v *indexView) Image(digest v1.Hash) (v1.Image, error) {
	return child(v.manifest, digest, v.image)
}
func (v *indexView) ImageIndex(digest v1.Hash) (v1.ImageIndex, error) {
	return child(v.manifest, digest, v.index)
}

// child opens what an index has under a digest.
func child[T any](index *v1.IndexManifest, digest v1.Hash, open func(v1.Descriptor) (T, error)) (T, error) {
	for _, d := range index.Manifests {
		if d.Digest == digest {
			return open(d)
		}
	}
	var none T
	return none, errors.New("no manifest " + digest.String())
}

package registry

import (
	"errors"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

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

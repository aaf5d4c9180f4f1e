package image

import (
	"context"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"kubedist/pkg/tarball"
)

// Layer is one layer of an image, whose blob is in the layout.
type Layer struct {
	Digest    v1.Hash         // of the blob
	Size      int64           // of the blob, in bytes
	MediaType types.MediaType // how the blob is compressed
	DiffID    v1.Hash         // of the tar without compression

	// CreatedBy is what the history of an image says about the making of the layer. It is the caller's to set, and no part
	// of the layer's own bytes.
	CreatedBy string
}

// descriptor is how a manifest speaks of the layer.
func (l Layer) descriptor() v1.Descriptor {
	return v1.Descriptor{MediaType: l.MediaType, Size: l.Size, Digest: l.Digest}
}

// WriteLayer writes an archive as a layer, compressed with gzip. The same archive and options give the same layer. What
// Layout.Path says of its digest is the file.
func (l *Layout) WriteLayer(ctx context.Context, a *tarball.Archive, o tarball.Options) (Layer, error) {
	diff := newDigester(io.Discard)
	if o.Uncompressed != nil {
		diff.w = o.Uncompressed
	}
	o.Uncompressed = diff
	digest, size, err := l.write(ctx, func(w io.Writer) error { return a.WriteGzip(ctx, w, o) })
	if err != nil {
		return Layer{}, fmt.Errorf("layer: %w", err)
	}
	return Layer{Digest: digest, Size: size, MediaType: types.OCILayer, DiffID: diff.digest()}, nil
}

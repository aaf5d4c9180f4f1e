package registry

import (
	"context"
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// remoteBlob is a blob of a repository, which another one of its registry may mount.
type remoteBlob struct {
	blob
	repo name.Repository
}

// Image makes a tree of an image that a registry has, from the manifest that [Client.Get] gave. Its blobs are read when
// they are sent somewhere, for which ctx has to last.
func (c *Client) Image(ctx context.Context, repo name.Repository, d v1.Descriptor, raw []byte) (*Tree, *v1.Manifest, error) {
	m, err := ParseImage(raw, d.MediaType)
	if err != nil {
		return nil, nil, fmt.Errorf("manifest %s@%s: %w", repo, d.Digest, err)
	}
	t := &Tree{Descriptor: d, Raw: raw}
	t.Blobs = blobsOf(m, func(d v1.Descriptor) v1.Layer {
		return &remoteBlob{blob{d, func() (io.ReadCloser, error) { return c.openBlob(ctx, repo, d) }}, repo}
	})
	return t, m, nil
}

// NewIndex makes a tree of an index over images, with what each is said to be for.
func NewIndex(d v1.Descriptor, raw []byte, images []*Tree) *Tree {
	return &Tree{Descriptor: d, Raw: raw, Images: images}
}

func (c *Client) openBlob(ctx context.Context, repo name.Repository, d v1.Descriptor) (io.ReadCloser, error) {
	ref := repo.Digest(d.Digest.String())
	layer, err := c.puller.Layer(ctx, ref)
	if err != nil {
		return nil, c.explain(err, ref)
	}
	body, err := layer.Compressed()
	if err != nil {
		return nil, c.explain(err, ref)
	}
	return body, nil
}

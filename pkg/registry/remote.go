package registry

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/hint"
	"kubedist/pkg/ocilayout"
)

// remoteBlob is a blob of a repository, which another one of its registry may mount.
type remoteBlob struct {
	blob
	repo name.Repository
}

// Image makes a tree of an image that a registry has, from the manifest that [Client.Get] gave. Its blobs are read when
// they are sent somewhere, for which ctx has to last.
func (c *Client) Image(ctx context.Context, repo name.Repository, d v1.Descriptor, raw []byte) (*Tree, *v1.Manifest, error) {
	m, err := ocilayout.ParseManifest(raw, d.MediaType)
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

// Blob opens a blob of a repository. No more of it is read than the descriptor promises, and its end comes only when all of
// it has the digest. Errors of reading are explained as those of opening are.
func (c *Client) Blob(ctx context.Context, repo name.Repository, d v1.Descriptor) (io.ReadCloser, error) {
	from, err := c.openBlob(ctx, repo, d)
	if err != nil {
		return nil, err
	}
	return &explained{from, c, repo.Digest(d.Digest.String())}, nil
}

// explained words the errors of reading what a registry has.
type explained struct {
	io.ReadCloser
	client *Client
	about  target
}

func (r *explained) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	var digest *ocilayout.BlobError
	switch {
	case err == nil || err == io.EOF:
		return n, err
	case errors.As(err, &digest):
		return n, hint.Errorf(damaged, "%s: %w", r.about, digest)
	}
	return n, r.client.explain(err, r.about)
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
	return ocilayout.Verified(body, d), nil
}

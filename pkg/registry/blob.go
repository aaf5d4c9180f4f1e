package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func newSum() hash.Hash { return sha256.New() }

// blob is content by its digest, in the form that the library uploads.
type blob struct {
	descriptor v1.Descriptor
	open       func() (io.ReadCloser, error)
}

func (b *blob) Digest() (v1.Hash, error)             { return b.descriptor.Digest, nil }
func (b *blob) Size() (int64, error)                 { return b.descriptor.Size, nil }
func (b *blob) MediaType() (types.MediaType, error)  { return b.descriptor.MediaType, nil }
func (b *blob) DiffID() (v1.Hash, error)             { return v1.Hash{}, errNotUnpacked }
func (b *blob) Uncompressed() (io.ReadCloser, error) { return nil, errNotUnpacked }

// errNotUnpacked is what a blob has no use for.
var errNotUnpacked = errors.New("blob that is only copied: not unpacked")

// Compressed opens the content, checked while it is read.
func (b *blob) Compressed() (io.ReadCloser, error) {
	from, err := b.open()
	if err != nil {
		return nil, err
	}
	return &verifiedReader{from: from, descriptor: b.descriptor, sum: newSum()}, nil
}

// verifiedReader passes on no more than was promised, and the end of it only when all of it has the digest: whoever waits
// for so many bytes never gets them of wrong content.
type verifiedReader struct {
	from       io.ReadCloser
	descriptor v1.Descriptor
	sum        hash.Hash
	read       int64
	err        error
}

func (r *verifiedReader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if r.read == r.descriptor.Size {
		r.err = r.check()
		return 0, r.err
	}
	if left := r.descriptor.Size - r.read; int64(len(p)) > left {
		p = p[:left]
	}
	n, err := r.from.Read(p)
	r.sum.Write(p[:n])
	r.read += int64(n)
	switch {
	case r.read == r.descriptor.Size:
		if err := r.check(); err != io.EOF {
			r.err = err
			return 0, err
		}
		return n, nil
	case err == io.EOF:
		r.err = &DigestError{r.descriptor.Digest, fmt.Sprintf("%d bytes, %d expected", r.read, r.descriptor.Size)}
		return n, r.err
	}
	r.err = err
	return n, err
}

// check is io.EOF when nothing follows and all that was read has the digest.
func (r *verifiedReader) check() error {
	var more [1]byte
	if n, err := io.ReadFull(r.from, more[:]); n > 0 {
		return &DigestError{r.descriptor.Digest, fmt.Sprintf("longer than %d bytes", r.descriptor.Size)}
	} else if err != io.EOF {
		return err
	}
	if has := hex.EncodeToString(r.sum.Sum(nil)); has != r.descriptor.Digest.Hex {
		return &DigestError{r.descriptor.Digest, "content has the digest sha256:" + has}
	}
	return io.EOF
}

func (r *verifiedReader) Close() error { return r.from.Close() }

// mountable is a blob that another repository has; the registry may take it from there.
func mountable(b v1.Layer, from name.Repository, digest v1.Hash) v1.Layer {
	return &remote.MountableLayer{Layer: b, Reference: from.Digest(digest.String())}
}

package ocilayout

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// ErrDamaged is in the chain of errors about what is there and is not what was promised: of another size or content, or
// no regular file.
var ErrDamaged = errors.New("it is damaged")

// BlobError is a blob that is missing, for which Err wraps fs.ErrNotExist, or that is not what its descriptor says, for
// which it wraps [ErrDamaged].
type BlobError struct {
	Digest v1.Hash
	Err    error
}

func (e *BlobError) Error() string { return fmt.Sprintf("blob %s: %v", e.Digest, e.Err) }

func (e *BlobError) Unwrap() error { return e.Err }

// Verified reads a blob that r gives. It passes on no more than the descriptor promises, and the end of it only when all of
// it has the digest: whoever waits for so many bytes never gets them of wrong content. What is wrong is a [BlobError].
func Verified(r io.ReadCloser, d v1.Descriptor) io.ReadCloser {
	return &verified{from: r, descriptor: d, sum: sha256.New()}
}

type verified struct {
	from       io.ReadCloser
	descriptor v1.Descriptor
	sum        hash.Hash
	read       int64
	err        error
}

func (r *verified) Read(p []byte) (int, error) {
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
	_, _ = r.sum.Write(p[:n]) // never fails
	r.read += int64(n)
	switch {
	case r.read == r.descriptor.Size:
		if err := r.check(); !errors.Is(err, io.EOF) {
			r.err = err
			return 0, err
		}
		return n, nil
	case errors.Is(err, io.EOF):
		err = r.damaged("%d bytes, not %d", r.read, r.descriptor.Size)
	}
	r.err = err
	return n, err
}

// check is io.EOF when nothing follows and all that was read has the digest.
func (r *verified) check() error {
	var more [1]byte
	if n, err := io.ReadFull(r.from, more[:]); n > 0 {
		return r.damaged("longer than %d bytes", r.descriptor.Size)
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	if has := hex.EncodeToString(r.sum.Sum(nil)); has != r.descriptor.Digest.Hex {
		return r.damaged("content has the digest sha256:%s", has)
	}
	return io.EOF
}

func (r *verified) damaged(format string, args ...any) error {
	return &BlobError{r.descriptor.Digest, fmt.Errorf("%w: %w", fmt.Errorf(format, args...), ErrDamaged)}
}

func (r *verified) Close() error { return r.from.Close() }

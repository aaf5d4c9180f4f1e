package tarball

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
)

// A Source is the content of one regular file. The sources are [Path], [Digested], [Bytes] and [Nested].
type Source interface {
	// open returns the content and its exact size. A negative size is never returned.
	open(ctx context.Context) (io.ReadCloser, int64, error)
}

// Path is a file on disk. It is opened when the archive is written, and must not change from then on.
type Path string

func (p Path) open(context.Context) (io.ReadCloser, int64, error) {
	f, err := os.Open(string(p))
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", string(p))
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// Digested is a file on disk whose content is known. When it is not that any more, the writing of the archive ends with an
// error that wraps ErrDigest.
type Digested struct {
	Path   string
	Size   int64  // bytes
	SHA256 string // lower-case hex
}

// ErrDigest is in the chain of the error about a Digested file of another content.
var ErrDigest = errors.New("its content is not what it was")

func (d Digested) open(ctx context.Context) (io.ReadCloser, int64, error) {
	f, size, err := Path(d.Path).open(ctx)
	if err == nil && size != d.Size {
		err = errors.Join(fmt.Errorf("%s has %d bytes, not %d: %w", d.Path, size, d.Size, ErrDigest), f.Close())
	}
	if err != nil {
		return nil, 0, err
	}
	return &digestReader{ReadCloser: f, d: d, hash: sha256.New()}, size, nil
}

// A digestReader turns the end of a file into an error when its digest is another one.
type digestReader struct {
	io.ReadCloser
	d    Digested
	hash hash.Hash
}

func (r *digestReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.hash.Write(p[:n])
	if errors.Is(err, io.EOF) {
		if sum := hex.EncodeToString(r.hash.Sum(nil)); sum != r.d.SHA256 {
			return n, fmt.Errorf("%s has the SHA-256 %s, not %s: %w", r.d.Path, sum, r.d.SHA256, ErrDigest)
		}
	}
	return n, err
}

// Bytes is content in memory. Empty content is Bytes{}, not a nil Source.
type Bytes []byte

func (b Bytes) open(context.Context) (io.ReadCloser, int64, error) { //nolint:unparam // the signature is the interface's
	return io.NopCloser(bytes.NewReader(b)), int64(len(b)), nil
}

// Nested is a tar.gz inside the archive. It is compressed each time the outer archive is written, by way of a file in
// its Options.TempDir; an inner archive that goes into several others is better written once and added
// as a Path.
type Nested struct {
	Archive *Archive
	Options Options
}

func (n Nested) open(ctx context.Context) (io.ReadCloser, int64, error) {
	f, err := os.CreateTemp(n.Options.TempDir, "kubedist-nested-*")
	if err != nil {
		return nil, 0, err
	}
	// Without a name its space is free again when this process ends, however it ends. Only one killed right here leaves
	// a file behind, an empty one.
	err = os.Remove(f.Name())
	if err == nil {
		err = n.Archive.WriteGzip(ctx, f, n.Options)
	}
	var size int64
	if err == nil {
		size, err = f.Seek(0, io.SeekCurrent)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("nested archive: %w", err), f.Close())
	}
	return f, size, nil
}

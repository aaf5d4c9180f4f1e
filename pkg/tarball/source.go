package tarball

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// A Source is the content of one regular file. The sources are [Path], [Bytes] and [Nested].
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

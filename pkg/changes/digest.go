package changes

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Of digests the contents of a file in one pass. MD5 and SHA-1 are there because deb-changes(5) asks for them; who
// checks an upload takes the SHA-256.
func Of(ctx context.Context, name string, r io.Reader) (File, error) {
	md, one, all := md5.New(), sha1.New(), sha256.New()
	size, err := io.Copy(io.MultiWriter(md, one, all), &reader{ctx, r})
	if err != nil {
		return File{}, fmt.Errorf("digests of %s: %w", name, err)
	}
	return File{
		Name: name, Size: size,
		MD5: hex.EncodeToString(md.Sum(nil)), SHA1: hex.EncodeToString(one.Sum(nil)), SHA256: hex.EncodeToString(all.Sum(nil)),
	}, nil
}

// OfFile is [Of] the file at path.
func OfFile(ctx context.Context, path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	return Of(ctx, filepath.Base(path), f)
}

// reader ends with its context.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// stat looks whether a blob is there and has its size.
func (l *Layout) stat(digest v1.Hash, size int64) (fs.FileInfo, error) {
	if err := checkDigest(digest); err != nil {
		return nil, err
	}
	info, err := os.Lstat(l.Path(digest))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("blob %s: not in the layout %s: %w", digest, l.dir, fs.ErrNotExist)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("blob %s: not a regular file: %w", digest, ErrDamaged)
	case info.Size() != size:
		return nil, fmt.Errorf("blob %s: %d bytes, not %d: %w", digest, info.Size(), size, ErrDamaged)
	}
	return info, nil
}

// open opens a blob. Who reads it to its end gets ErrDamaged there when the content does not have the digest. A blob is
// never more than a file of the layout: links that lead out of it are refused.
func (l *Layout) open(digest v1.Hash, size int64) (io.ReadCloser, error) {
	info, err := l.stat(digest, size)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenInRoot(l.dir, blobName(digest))
	if err != nil {
		return nil, fmt.Errorf("blob %s: %w", digest, err)
	}
	if now, err := f.Stat(); err != nil || !os.SameFile(info, now) {
		return nil, errors.Join(fmt.Errorf("blob %s: changed while it was opened: %w", digest, ErrDamaged), err, f.Close())
	}
	return &blobReader{f: f, digest: digest, size: size, sum: newDigester(io.Discard)}, nil
}

// A blobReader reads a blob and finds at its end whether it was the one.
type blobReader struct {
	f      *os.File
	digest v1.Hash
	size   int64
	sum    *digester
}

func (r *blobReader) Read(p []byte) (int, error) {
	n, err := r.f.Read(p)
	_, _ = r.sum.Write(p[:n])
	if r.sum.size > r.size || errors.Is(err, io.EOF) && (r.sum.size != r.size || r.sum.digest() != r.digest) {
		return 0, fmt.Errorf("blob %s: content of another digest: %w", r.digest, ErrDamaged)
	}
	return n, err
}

func (r *blobReader) Close() error { return r.f.Close() }

// document reads a small blob whole.
func (l *Layout) document(d v1.Descriptor) ([]byte, error) {
	if d.Size > maxDocument {
		return nil, fmt.Errorf("blob %s: %w", d.Digest, refused("%d bytes, more than %d", d.Size, maxDocument))
	}
	r, err := l.open(d.Digest, d.Size)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// image reads an image's manifest.
func (l *Layout) image(d v1.Descriptor) (*v1.Manifest, error) {
	data, err := l.document(d)
	if err != nil {
		return nil, err
	}
	m, err := parseImage(data, d.MediaType)
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", d.Digest, err)
	}
	return m, nil
}

// index reads an index.
func (l *Layout) index(d v1.Descriptor) (*v1.IndexManifest, error) {
	data, err := l.document(d)
	if err != nil {
		return nil, err
	}
	index, err := parseIndex(data, d.MediaType, maxManifests)
	if err != nil {
		return nil, fmt.Errorf("index %s: %w", d.Digest, err)
	}
	return index, nil
}

// config reads an image's configuration, and nil of an artifact that is no image.
func (l *Layout) config(m *v1.Manifest) (*v1.ConfigFile, error) {
	if !m.Config.MediaType.IsConfig() {
		return nil, nil
	}
	data, err := l.document(m.Config)
	if err != nil {
		return nil, err
	}
	var config v1.ConfigFile
	if err := json.Unmarshal(data, &config); err != nil {
		return nil, fmt.Errorf("configuration %s: %w", m.Config.Digest, refused("%w", err))
	}
	return &config, nil
}

// Describe reads an image or an index that is in the layout, and returns what the writing of it returned: for who knows it
// from an earlier run. Of d, the digest is needed; size, type and platform have to be right where they are set. Layers are
// only looked for, not read.
func (l *Layout) Describe(ctx context.Context, d v1.Descriptor) (Written, error) {
	if err := ctx.Err(); err != nil {
		return Written{}, err
	}
	full, err := l.complete(d)
	if err != nil {
		return Written{}, err
	}
	written := Written{Descriptor: full}
	if full.MediaType.IsIndex() {
		_, err := l.index(full)
		written.Platform = nil
		written.Files = []string{l.Path(full.Digest)}
		return written, err
	}
	m, err := l.image(full)
	if err != nil {
		return Written{}, err
	}
	config, err := l.config(m)
	if err != nil {
		return Written{}, err
	}
	if config == nil {
		return Written{}, fmt.Errorf("manifest %s: %w", full.Digest, refused("a config of the type %q is not an image's", m.Config.MediaType))
	}
	if config.OS == "" || config.Architecture == "" {
		return Written{}, fmt.Errorf("configuration %s: %w", m.Config.Digest, refused("it names no platform"))
	}
	for _, layer := range m.Layers {
		if _, err := l.stat(layer.Digest, layer.Size); err != nil {
			return Written{}, fmt.Errorf("manifest %s: %w", full.Digest, err)
		}
	}
	written.Platform = config.Platform()
	if d.Platform != nil && !samePlatform(d.Platform, written.Platform) {
		return Written{}, fmt.Errorf("image %s: of %s, as its configuration says, not of %s", full.Digest, written.Platform, d.Platform)
	}
	written.Files = append(l.files(*m), l.Path(full.Digest))
	return written, nil
}

// complete fills in the size and the type of a descriptor of which only the digest may be known.
func (l *Layout) complete(d v1.Descriptor) (v1.Descriptor, error) {
	out := v1.Descriptor{Digest: d.Digest, Size: d.Size, MediaType: d.MediaType}
	if err := checkDigest(d.Digest); err != nil {
		return out, err
	}
	if out.Size == 0 {
		info, err := os.Lstat(l.Path(d.Digest))
		if err != nil {
			return out, fmt.Errorf("blob %s: %w", d.Digest, err)
		}
		out.Size = info.Size()
	}
	if out.MediaType != "" {
		return out, nil
	}
	data, err := l.document(out)
	if err != nil {
		return out, err
	}
	var k kind
	if err := json.Unmarshal(data, &k); err != nil {
		return out, fmt.Errorf("manifest %s: %w", d.Digest, refused("%w", err))
	}
	switch {
	case k.MediaType != "":
		out.MediaType = k.MediaType
	case k.Manifests != nil:
		out.MediaType = types.OCIImageIndex
	default:
		out.MediaType = types.OCIManifestSchema1
	}
	return out, nil
}

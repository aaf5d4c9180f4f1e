package imagebase

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"kubedist/pkg/hint"
	"kubedist/pkg/platform"
)

// fromLayout finds an image in an OCI image layout on disk: by the digest of it, or of an index that it is in. What the
// layout's own index.json says is not asked.
func fromLayout(dir string, want v1.Hash, id platform.ID) (v1.Image, error) {
	l := layout(dir)
	raw, err := l.read(want, maxManifest)
	if err != nil {
		return nil, hint.With(err, "check the directory, and the digest of the base in the specification")
	}
	if isIndex(raw) {
		d, err := choose(raw, id)
		if err != nil {
			return nil, err
		}
		if raw, err = l.read(d.Digest, maxManifest); err != nil {
			return nil, err
		}
	}
	m, err := parseManifest(raw)
	if err != nil {
		return nil, err
	}
	config, err := l.read(m.Config.Digest, maxConfig)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if err := checkConfig(config, m, id); err != nil {
		return nil, err
	}
	for _, d := range m.Layers {
		f, err := l.open(d.Digest, d.Size)
		if err != nil {
			return nil, fmt.Errorf("layer: %w", err)
		}
		f.Close()
	}
	return partial.CompressedToImage(&layoutImage{layout: l, raw: raw, config: config, manifest: m})
}

// isIndex reports whether a document is an index, which says so or has what only an index has.
func isIndex(raw []byte) bool {
	var d struct {
		MediaType types.MediaType `json:"mediaType"`
		Manifests json.RawMessage `json:"manifests"`
	}
	return json.Unmarshal(raw, &d) == nil && (d.MediaType.IsIndex() || d.MediaType == "" && d.Manifests != nil)
}

// layout is the directory of an OCI image layout.
type layout string

// open opens a blob. Its size is checked here, its digest where it ends.
func (l layout) open(digest v1.Hash, size int64) (io.ReadCloser, error) {
	f, err := os.OpenInRoot(string(l), "blobs/"+digest.Algorithm+"/"+digest.Hex)
	if err != nil {
		return nil, fmt.Errorf("blob %s: %w", digest, err)
	}
	info, err := f.Stat()
	if err == nil && (!info.Mode().IsRegular() || size >= 0 && info.Size() != size) {
		err = fmt.Errorf("blob %s: %w: of %d bytes, not %d", digest, ErrUnusable, info.Size(), size)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &verified{f: f, digest: digest, left: info.Size(), sum: sha256.New()}, nil
}

// read reads a small blob.
func (l layout) read(digest v1.Hash, most int64) ([]byte, error) {
	r, err := l.open(digest, -1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("blob %s: %w: larger than %d bytes", digest, ErrUnusable, most)
	}
	return data, err
}

// verified reads a blob and, at its end, says whether it was the one.
type verified struct {
	f      *os.File
	digest v1.Hash
	left   int64
	sum    hash.Hash
}

func (v *verified) Read(p []byte) (int, error) {
	n, err := v.f.Read(p)
	_, _ = v.sum.Write(p[:n])
	if v.left -= int64(n); v.left < 0 || errors.Is(err, io.EOF) && (v.left > 0 || hex.EncodeToString(v.sum.Sum(nil)) != v.digest.Hex) {
		return 0, fmt.Errorf("blob %s: %w: it has other contents", v.digest, ErrUnusable)
	}
	return n, err
}

func (v *verified) Close() error { return v.f.Close() }

// layoutImage is an image in a layout, as partial.CompressedToImage wants it.
type layoutImage struct {
	layout   layout
	raw      []byte
	config   []byte
	manifest *v1.Manifest
}

func (i *layoutImage) RawManifest() ([]byte, error)   { return i.raw, nil }
func (i *layoutImage) RawConfigFile() ([]byte, error) { return i.config, nil }

func (i *layoutImage) MediaType() (types.MediaType, error) {
	if i.manifest.MediaType == "" {
		return types.OCIManifestSchema1, nil
	}
	return i.manifest.MediaType, nil
}

// LayerByDigest returns a layer, or the configuration, which readers take for one.
func (i *layoutImage) LayerByDigest(digest v1.Hash) (partial.CompressedLayer, error) {
	if digest == i.manifest.Config.Digest {
		return &layoutLayer{i.layout, i.manifest.Config}, nil
	}
	for _, d := range i.manifest.Layers {
		if d.Digest == digest {
			return &layoutLayer{i.layout, d}, nil
		}
	}
	return nil, fmt.Errorf("blob %s: %w: not in the manifest", digest, ErrUnusable)
}

type layoutLayer struct {
	layout     layout
	descriptor v1.Descriptor
}

func (l *layoutLayer) Digest() (v1.Hash, error)            { return l.descriptor.Digest, nil }
func (l *layoutLayer) Size() (int64, error)                { return l.descriptor.Size, nil }
func (l *layoutLayer) MediaType() (types.MediaType, error) { return l.descriptor.MediaType, nil }
func (l *layoutLayer) Compressed() (io.ReadCloser, error) {
	return l.layout.open(l.descriptor.Digest, l.descriptor.Size)
}

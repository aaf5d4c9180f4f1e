package imagebase

import (
	"errors"
	"fmt"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/hint"
	"kubedist/pkg/ocilayout"
	"kubedist/pkg/platform"
)

// ErrUnusable is in the chain of errors about an image that is not what the specification names, or that nothing can be
// built on.
var ErrUnusable = errors.New("no image to build on")

// source is where an image is: a layout or a registry. What it gives has the digest that was asked for.
type source struct {
	document func(v1.Hash) ([]byte, error) // a manifest or an index
	blob     func(v1.Descriptor) (io.ReadCloser, error)
}

// find finds the image of a platform, by the digest of it or of an index that it is in, and returns it with its configuration.
func (s source) find(want v1.Hash, id platform.ID) (*ocilayout.Tree, []byte, error) {
	raw, err := s.document(want)
	if err != nil {
		return nil, nil, err
	}
	d := v1.Descriptor{Digest: want, Size: int64(len(raw))}
	if mediaType, err := ocilayout.TypeOf(raw); err == nil && mediaType.IsIndex() {
		if d, err = choose(raw, id); err != nil {
			return nil, nil, err
		}
		if raw, err = s.document(d.Digest); err != nil {
			return nil, nil, err
		}
		if int64(len(raw)) != d.Size {
			return nil, nil, fmt.Errorf("manifest %s: %w: %d bytes, and the index says %d", d.Digest, ErrUnusable, len(raw), d.Size)
		}
	}
	m, err := parseManifest(raw)
	if err != nil {
		return nil, nil, err
	}
	if d.MediaType, err = ocilayout.TypeOf(raw); err != nil {
		return nil, nil, err
	}
	config, err := s.read(m.Config)
	if err != nil {
		return nil, nil, fmt.Errorf("configuration: %w", err)
	}
	return &ocilayout.Tree{Descriptor: d, Raw: raw, Manifest: m}, config, checkConfig(config, m, id)
}

// read reads a blob whose size was checked.
func (s source) read(d v1.Descriptor) ([]byte, error) {
	r, err := s.blob(d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// choose finds the image of a platform in an index.
func choose(raw []byte, id platform.ID) (v1.Descriptor, error) {
	mediaType, err := ocilayout.TypeOf(raw)
	if err != nil {
		return v1.Descriptor{}, fmt.Errorf("index: %w: %w", ErrUnusable, err)
	}
	index, err := ocilayout.ParseIndex(raw, mediaType)
	if err != nil {
		return v1.Descriptor{}, fmt.Errorf("index: %w: %w", ErrUnusable, err)
	}
	var others []string
	for _, d := range index.Manifests {
		switch {
		case d.Platform == nil || !d.MediaType.IsImage():
		case !sameMachine(*d.Platform, id):
			others = append(others, d.Platform.String())
		case len(d.URLs) > 0:
			return d, fmt.Errorf("index: %w: manifest %s lies elsewhere", ErrUnusable, d.Digest)
		default:
			return d, nil
		}
	}
	return v1.Descriptor{}, hint.Errorf("take a base that has an image of the platform; this one has "+strings.Join(others, ", "), "index: %w: none for %s", ErrUnusable, id)
}

// sameMachine reports whether an image of a platform runs on another. The variant that every machine of an architecture has
// may be left out (image index specification of OCI).
func sameMachine(p v1.Platform, id platform.ID) bool {
	variant := p.Variant
	if p.Architecture == "arm64" && variant == "v8" || p.Architecture == "amd64" && variant == "v1" {
		variant = ""
	}
	return p.OS == id.OS && p.Architecture == id.Arch && variant == id.Variant
}

// parseManifest reads an image's manifest and checks what it refers to.
func parseManifest(raw []byte) (*v1.Manifest, error) {
	mediaType, err := ocilayout.TypeOf(raw)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w: %w", ErrUnusable, err)
	}
	m, err := ocilayout.ParseBase(raw, mediaType)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w: %w", ErrUnusable, err)
	}
	return m, nil
}

// checkConfig refuses a configuration that is of another platform, or of other layers than the manifest.
func checkConfig(raw []byte, m *v1.Manifest, id platform.ID) error {
	config, err := ocilayout.ParseBaseConfig(raw, m)
	if err != nil {
		return fmt.Errorf("configuration: %w: %w", ErrUnusable, err)
	}
	if p := config.Platform(); p == nil || !sameMachine(*p, id) {
		return hint.Errorf("take a base that has an image of the platform", "configuration: %w: it is of %s, not of %s", ErrUnusable, p, id)
	}
	return nil
}

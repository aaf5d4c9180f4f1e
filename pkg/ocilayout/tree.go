package ocilayout

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Tree is an image or an index with all that it leads to.
type Tree struct {
	Descriptor v1.Descriptor
	Raw        []byte       // the document, as it is
	Images     []*Tree      // of an index, in its order: one or more
	Manifest   *v1.Manifest // of an image
}

// Tree reads an image, or an index with its images. Their blobs are looked for, except those that registries do not keep,
// and not read. An index in an index is an error: clients that take an image by its platform do not look into it.
func (l Layout) Tree(d v1.Descriptor) (*Tree, error) {
	if !d.MediaType.IsIndex() {
		return l.image(d)
	}
	raw, err := l.Document(d)
	if err != nil {
		return nil, err
	}
	index, err := ParseIndex(raw, d.MediaType)
	if err != nil {
		return nil, fmt.Errorf("index %s: %w", d.Digest, err)
	}
	if len(index.Manifests) == 0 {
		return nil, fmt.Errorf("index %s: %w", d.Digest, refused("is empty"))
	}
	t := &Tree{Descriptor: d, Raw: raw}
	seen := map[v1.Hash]*Tree{}
	left := int64(MaxTree)
	for _, m := range index.Manifests {
		image := seen[m.Digest]
		if image == nil || image.Descriptor.Size != m.Size || image.Descriptor.MediaType != m.MediaType {
			if left -= m.Size; left < 0 {
				return nil, fmt.Errorf("index %s: %w", d.Digest, refused("manifests of more than %d bytes", MaxTree))
			}
			if image, err = l.image(m); err != nil {
				return nil, fmt.Errorf("index %s: %w", d.Digest, err)
			}
			seen[m.Digest] = image
		}
		t.Images = append(t.Images, &Tree{Descriptor: m, Raw: image.Raw, Manifest: image.Manifest})
	}
	return t, nil
}

func (l Layout) image(d v1.Descriptor) (*Tree, error) {
	raw, err := l.Document(d)
	if err != nil {
		return nil, err
	}
	m, err := ParseManifest(raw, d.MediaType)
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", d.Digest, err)
	}
	for _, blob := range append([]v1.Descriptor{m.Config}, m.Layers...) {
		if !blob.MediaType.IsDistributable() {
			continue
		}
		if err := l.Has(blob); err != nil {
			return nil, fmt.Errorf("manifest %s: %w", d.Digest, err)
		}
	}
	return &Tree{Descriptor: d, Raw: raw, Manifest: m}, nil
}

// Config reads the configuration of an image; that of an artifact in the form of one is nil.
func (l Layout) Config(m *v1.Manifest) (*v1.ConfigFile, error) {
	if !m.Config.MediaType.IsConfig() {
		return nil, nil
	}
	raw, err := l.Document(m.Config)
	if err != nil {
		return nil, err
	}
	config, err := ParseConfig(raw)
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", m.Config.Digest, err)
	}
	return config, nil
}

package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Bounds of what is read.
const (
	maxDocument  = 4 << 20 // bytes of a manifest, an index, a configuration, and index.json: what every registry takes
	maxManifests = 1000    // entries of an index
	maxParts     = 1000    // layers of a manifest that others wrote; artifacts have more than images
	maxNames     = 10_000  // entries of index.json
	maxDepth     = 4       // indices that lie in each other
)

var (
	// ErrDamaged is in the chain of errors about blobs that are there and have another size or content than their
	// descriptor says.
	ErrDamaged = errors.New("it is damaged")
	// ErrDocument is in the chain of errors about documents that are not what image-spec says.
	ErrDocument = errors.New("not what the OCI image specification says")
)

// refused makes an error about a document.
func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrDocument, fmt.Errorf(format, args...))
}

// kind is what tells documents apart that say themselves what they are. A document that could be read as an image and as
// an index at once means different things to different readers, and is refused (CVE-2021-41190).
type kind struct {
	SchemaVersion int             `json:"schemaVersion"`
	MediaType     types.MediaType `json:"mediaType"`
	Config        json.RawMessage `json:"config"`
	Layers        json.RawMessage `json:"layers"`
	Manifests     json.RawMessage `json:"manifests"`
}

// parseKind reads what the document says it is, and refuses one that is something else than mediaType.
func parseKind(data []byte, mediaType types.MediaType) (kind, error) {
	var k kind
	if len(data) > maxDocument {
		return k, refused("%d bytes, more than %d", len(data), maxDocument)
	}
	if err := json.Unmarshal(data, &k); err != nil {
		return k, refused("%w", err)
	}
	if k.SchemaVersion != 2 {
		return k, refused("its schemaVersion is %d, not 2", k.SchemaVersion)
	}
	if k.MediaType != "" && k.MediaType != mediaType {
		return k, refused("it says that it is of the type %q, its descriptor that it is of %q", k.MediaType, mediaType)
	}
	return k, nil
}

// parseImage reads an image's manifest.
func parseImage(data []byte, mediaType types.MediaType) (*v1.Manifest, error) {
	if !mediaType.IsImage() {
		return nil, refused("it is of the type %q, not that of an image", mediaType)
	}
	k, err := parseKind(data, mediaType)
	if err != nil {
		return nil, err
	}
	if k.Manifests != nil || k.Config == nil {
		return nil, refused("it has no config, or has manifests, which is not an image's")
	}
	var m v1.Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, refused("%w", err)
	}
	if len(m.Layers) > maxParts {
		return nil, refused("%d layers, more than %d", len(m.Layers), maxParts)
	}
	if m.Config.Size > maxDocument {
		return nil, refused("a configuration of %d bytes, more than %d", m.Config.Size, maxDocument)
	}
	return &m, checkDescriptors(slices.Concat([]v1.Descriptor{m.Config}, m.Layers))
}

// parseIndex reads an index.
func parseIndex(data []byte, mediaType types.MediaType, most int) (*v1.IndexManifest, error) {
	if !mediaType.IsIndex() {
		return nil, refused("it is of the type %q, not that of an index", mediaType)
	}
	k, err := parseKind(data, mediaType)
	if err != nil {
		return nil, err
	}
	if k.Layers != nil || k.Config != nil || k.Manifests == nil {
		return nil, refused("it has no manifests, or has layers or a config, which is not an index's")
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(data, &index); err != nil {
		return nil, refused("%w", err)
	}
	if len(index.Manifests) > most {
		return nil, refused("%d manifests, more than %d", len(index.Manifests), most)
	}
	for _, d := range index.Manifests {
		if d.Size > maxDocument {
			return nil, refused("manifest %s of %d bytes, more than %d", d.Digest, d.Size, maxDocument)
		}
	}
	return &index, checkDescriptors(index.Manifests)
}

// checkDescriptors refuses descriptors that cannot be followed.
func checkDescriptors(all []v1.Descriptor) error {
	for i, d := range all {
		if err := checkDigest(d.Digest); err != nil {
			return refused("descriptor %d: %w", i, err)
		}
		if d.Size < 0 {
			return refused("descriptor %d: a size of %d bytes", i, d.Size)
		}
	}
	return nil
}

// checkDigest refuses a digest that is missing, or not of SHA-256: nothing else is in use, and its hex digits are what
// names the file.
func checkDigest(digest v1.Hash) error {
	if digest == (v1.Hash{}) {
		return errors.New("no digest")
	}
	// A Hash may have been put together by hand; this reads it as it is read from a document.
	if again, err := v1.NewHash(digest.String()); err != nil || again != digest || digest.Algorithm != "sha256" {
		return fmt.Errorf("digest %q is no SHA-256", digest)
	}
	return nil
}

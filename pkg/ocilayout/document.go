package ocilayout

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"kubedist/pkg/hint"
)

// Bounds of what is read.
const (
	// MaxDocument is how large a manifest, an index, a configuration, or index.json may be, in bytes: the Distribution
	// Specification asks registries to take manifests of 4 MiB, and most take no more.
	MaxDocument = 4 << 20
	// MaxEntries is how many manifests an index, and how many layers a manifest may have; artifacts have more than images.
	MaxEntries = 1000
	// MaxTree is how large the manifests that an index leads to may be together, in bytes: they are kept in memory.
	MaxTree = 16 * MaxDocument
)

// ErrDocument is in the chain of errors about documents that are not what image-spec says.
var ErrDocument = errors.New("not what the OCI image specification says")

// refused makes an error about a document.
func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrDocument, fmt.Errorf(format, args...))
}

// document is what tells documents apart that say themselves what they are. One that could be read as an image and as an
// index at once means different things to different readers, and is refused (CVE-2021-41190).
type document struct {
	SchemaVersion int             `json:"schemaVersion"`
	MediaType     types.MediaType `json:"mediaType"`
	Config        json.RawMessage `json:"config"`
	Layers        json.RawMessage `json:"layers"`
	Manifests     json.RawMessage `json:"manifests"`
}

// TypeOf says of which type a manifest or an index is: of the one that it names, or whose parts it has.
func TypeOf(raw []byte) (types.MediaType, error) {
	var doc document
	if err := decode(raw, &doc); err != nil {
		return "", err
	}
	switch {
	case doc.MediaType != "":
		return doc.MediaType, nil
	case doc.Manifests != nil:
		return types.OCIImageIndex, nil
	}
	return types.OCIManifestSchema1, nil
}

// ParseManifest reads the manifest of an image, or of an artifact in the form of one, and checks what it refers to:
// digests, sizes, and how many there are. mediaType is what it was called.
func ParseManifest(raw []byte, mediaType types.MediaType) (*v1.Manifest, error) {
	if mediaType.IsSchema1() {
		return nil, hint.With(refused("media type %q: a format that registries gave up in 2020", mediaType), "build the image anew")
	}
	if !mediaType.IsImage() {
		return nil, refused("media type %q: not that of an image", mediaType)
	}
	doc, err := parse(raw, mediaType)
	if err != nil {
		return nil, err
	}
	if doc.Manifests != nil || doc.Config == nil {
		return nil, refused("it has no config, or has manifests, which is not an image's")
	}
	var m v1.Manifest
	if err := decode(raw, &m); err != nil {
		return nil, err
	}
	if len(m.Layers) > MaxEntries {
		return nil, refused("%d layers, more than %d", len(m.Layers), MaxEntries)
	}
	if err := checkDocument(m.Config); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	sizes := map[v1.Hash]int64{m.Config.Digest: m.Config.Size}
	for i, d := range m.Layers {
		if err := checkDescriptor(d); err != nil {
			return nil, fmt.Errorf("layer %d: %w", i+1, err)
		}
		if size, seen := sizes[d.Digest]; seen && size != d.Size {
			return nil, refused("layer %d: %s has two sizes, %d and %d", i+1, d.Digest, size, d.Size)
		}
		sizes[d.Digest] = d.Size
	}
	return &m, nil
}

// ParseIndex reads an index or manifest list and checks what it refers to. mediaType is what it was called. That what it
// refers to are images is seen when they are parsed.
func ParseIndex(raw []byte, mediaType types.MediaType) (*v1.IndexManifest, error) {
	if !mediaType.IsIndex() {
		return nil, refused("media type %q: not that of an index", mediaType)
	}
	doc, err := parse(raw, mediaType)
	if err != nil {
		return nil, err
	}
	if doc.Layers != nil || doc.Config != nil || doc.Manifests == nil {
		return nil, refused("it has no manifests, or has layers or a config, which is not an index's")
	}
	var index v1.IndexManifest
	if err := decode(raw, &index); err != nil {
		return nil, err
	}
	if len(index.Manifests) > MaxEntries {
		return nil, refused("%d manifests, more than %d", len(index.Manifests), MaxEntries)
	}
	for i, d := range index.Manifests {
		if err := checkDocument(d); err != nil {
			return nil, fmt.Errorf("manifest %d: %w", i+1, err)
		}
	}
	return &index, nil
}

// ParseConfig reads the configuration of an image.
func ParseConfig(raw []byte) (*v1.ConfigFile, error) {
	var config v1.ConfigFile
	return &config, decode(raw, &config)
}

// parse reads what a document says it is, and refuses one that is something else than mediaType.
func parse(raw []byte, mediaType types.MediaType) (document, error) {
	var doc document
	if err := decode(raw, &doc); err != nil {
		return doc, err
	}
	if doc.SchemaVersion != 2 {
		return doc, refused("schema version %d, not 2", doc.SchemaVersion)
	}
	if doc.MediaType != "" && doc.MediaType != mediaType {
		return doc, refused("media type %q, and it was called %q", doc.MediaType, mediaType)
	}
	return doc, nil
}

// decode reads one JSON object and nothing after it.
func decode(raw []byte, into any) error {
	if err := checkSize(int64(len(raw))); err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return refused("%w", err)
	}
	return nil
}

func checkSize(size int64) error {
	if size > MaxDocument {
		return refused("a document of more than %d bytes", MaxDocument)
	}
	return nil
}

// checkDocument refuses the descriptor of a document that would not be read.
func checkDocument(d v1.Descriptor) error {
	if err := checkDescriptor(d); err != nil {
		return err
	}
	if err := checkSize(d.Size); err != nil {
		return fmt.Errorf("%s: %w", d.Digest, err)
	}
	return nil
}

// checkDescriptor refuses descriptors that cannot be followed.
func checkDescriptor(d v1.Descriptor) error {
	if err := CheckDigest(d.Digest); err != nil {
		return err
	}
	if d.Size < 0 {
		return refused("%s: %d bytes", d.Digest, d.Size)
	}
	return nil
}

// CheckDigest refuses a digest that is missing, or not of SHA-256: nothing else is in use, and its hex digits are what
// names the file.
func CheckDigest(digest v1.Hash) error {
	switch {
	case digest == v1.Hash{}:
		return refused("no digest")
	// A Hash may have been put together by hand.
	case digest.Algorithm != "sha256" || len(digest.Hex) != 64 || strings.Trim(digest.Hex, "0123456789abcdef") != "":
		return refused("digest %q is no SHA-256", digest)
	}
	return nil
}

package imagebase

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/hint"
	"kubedist/pkg/ocilayout"
	"kubedist/pkg/platform"
)

// fromLayout finds an image in an OCI image layout on disk: by the digest of it, or of an index that it is in. What the
// layout's own index.json says is not asked.
func fromLayout(dir string, want v1.Hash, id platform.ID) (v1.Image, error) {
	l := ocilayout.Layout(dir)
	d, raw, err := l.Lookup(want)
	if err != nil {
		return nil, hint.With(err, "check the directory, and the digest of the base in the specification")
	}
	if d.MediaType.IsIndex() {
		if d, err = choose(raw, id); err != nil {
			return nil, err
		}
		if raw, err = l.Document(d); err != nil {
			return nil, err
		}
	}
	m, err := parseManifest(raw)
	if err != nil {
		return nil, err
	}
	config, err := l.Document(m.Config)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if err := checkConfig(config, m, id); err != nil {
		return nil, err
	}
	return l.Image(d)
}

package imagebase

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/hint"
	"kubedist/pkg/ocilayout"
	"kubedist/pkg/platform"
)

// fromLayout finds an image in an OCI image layout on disk. What the layout's own index.json says is not asked.
func fromLayout(dir string, want v1.Hash, id platform.ID) (v1.Image, error) {
	l := ocilayout.Layout(dir)
	document := func(digest v1.Hash) ([]byte, error) {
		_, raw, err := l.Lookup(digest)
		if err != nil {
			return nil, hint.With(err, "check the directory, and the digest of the base in the specification")
		}
		return raw, nil
	}
	image, _, err := source{document, l.Blob}.find(want, id)
	if err != nil {
		return nil, err
	}
	return l.Image(image.Descriptor)
}

package registry

import (
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/hint"
	"kubedist/pkg/ocilayout"
)

// Layout is a directory in the form of an OCI image layout, and what it names.
type Layout struct {
	dir     string
	entries []ocilayout.Reference
}

// OpenLayout reads what the layout in dir names.
func OpenLayout(dir string) (*Layout, error) {
	entries, err := ocilayout.Layout(dir).References()
	return &Layout{dir, entries}, err
}

// Entries lists what the layout names, sorted by name.
func (l *Layout) Entries() []ocilayout.Reference { return l.entries }

// Tree reads an entry with all manifests below it. Blobs are read when they are sent; what is missing is an error now.
func (l *Layout) Tree(e ocilayout.Reference) (*Tree, error) {
	t, err := ocilayout.Layout(l.dir).Tree(e.Descriptor)
	if err != nil {
		return nil, hint.With(fmt.Errorf("image layout %s: %s: %w", l.dir, e.Name, err), "make the images again; nothing was tagged")
	}
	return l.tree(t), nil
}

func (l *Layout) tree(from *ocilayout.Tree) *Tree {
	t := &Tree{Descriptor: from.Descriptor, Raw: from.Raw}
	for _, image := range from.Images {
		t.Images = append(t.Images, l.tree(image))
	}
	if from.Manifest != nil {
		t.Blobs = blobsOf(from.Manifest, func(d v1.Descriptor) v1.Layer {
			return &blob{d, func() (io.ReadCloser, error) { return ocilayout.Layout(l.dir).Blob(d) }}
		})
	}
	return t
}

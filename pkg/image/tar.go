package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/tarball"
)

// tarManifest is an entry of manifest.json, by which `docker load` reads a tar: docker's image specification 1.2, "Combined
// Image JSON + Filesystem Changeset Format". The paths may be any.
type tarManifest struct {
	Config   string   `json:"Config"`
	RepoTags []string `json:"RepoTags"`
	Layers   []string `json:"Layers"`
}

// Tar writes one image as a tar that docker load takes, and that is an OCI layout too: it has manifest.json,
// oci-layout, index.json and the blobs, once each, which both speak of. The image is called as names say, whole names
// with registry and tag, at least one. Everything in the tar has the time of the image; the same image and names give the
// same bytes. A layer that is damaged is an error, and what was written until then of no use.
func (l *Layout) Tar(ctx context.Context, w io.Writer, image v1.Descriptor, names []string) error {
	archive, made, err := l.tar(ctx, image, names)
	if err == nil {
		err = archive.WriteTar(ctx, w, tarball.Options{Time: made})
	}
	if err != nil {
		return fmt.Errorf("tar of image %s: %w", image.Digest, err)
	}
	return nil
}

// tar puts the tar together and returns the time of all that is in it.
func (l *Layout) tar(ctx context.Context, image v1.Descriptor, names []string) (*tarball.Archive, time.Time, error) {
	if len(names) == 0 {
		return nil, time.Time{}, errors.New("it has no name")
	}
	written, err := l.Describe(ctx, image)
	if err != nil {
		return nil, time.Time{}, err
	}
	manifest, err := l.image(written.Descriptor)
	if err != nil {
		return nil, time.Time{}, err
	}
	config, err := l.config(manifest)
	if err != nil {
		return nil, time.Time{}, err
	}
	var refs []Reference
	for _, name := range names {
		refs = append(refs, Reference{Name: name, Descriptor: written.Descriptor})
	}
	index, err := rootDocument(refs)
	if err != nil {
		return nil, time.Time{}, err
	}
	archive := &tarball.Archive{}
	archive.Add(
		tarball.File{Name: "oci-layout", Source: tarball.Bytes(layoutFile)},
		tarball.File{Name: "index.json", Source: tarball.Bytes(index)},
	)
	forDocker := tarManifest{Config: tarName(manifest.Config), RepoTags: names, Layers: []string{}}
	there := map[v1.Hash]bool{}
	add := func(d v1.Descriptor) {
		if !there[d.Digest] {
			there[d.Digest] = true
			archive.Add(tarball.File{Name: tarName(d), Source: tarball.Digested{Path: l.Path(d.Digest), Size: d.Size, SHA256: d.Digest.Hex}})
		}
	}
	add(written.Descriptor)
	add(manifest.Config)
	for _, layer := range manifest.Layers {
		add(layer)
		forDocker.Layers = append(forDocker.Layers, tarName(layer))
	}
	data, err := json.Marshal([]tarManifest{forDocker})
	archive.Add(tarball.File{Name: "manifest.json", Source: tarball.Bytes(data)})
	made := config.Created.Time
	if made.IsZero() {
		made = time.Unix(0, 0) // an image of others that says nothing
	}
	return archive, made, err
}

// tarName is where a blob lies in a tar.
func tarName(d v1.Descriptor) string { return "blobs/" + d.Digest.Algorithm + "/" + d.Digest.Hex }

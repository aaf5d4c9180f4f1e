package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/ocilayout"
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
	if err := ctx.Err(); err != nil {
		return nil, time.Time{}, err
	}
	described, err := l.describe(image)
	if err != nil {
		return nil, time.Time{}, err
	}
	manifest := described.manifest
	var refs []ocilayout.Reference
	for _, name := range names {
		refs = append(refs, ocilayout.Reference{Name: name, Descriptor: described.descriptor})
	}
	index, err := rootDocument(refs)
	if err != nil {
		return nil, time.Time{}, err
	}
	archive := &tarball.Archive{}
	archive.Add(
		tarball.File{Name: ocilayout.VersionFile, Source: tarball.Bytes(layoutFile)},
		tarball.File{Name: ocilayout.IndexFile, Source: tarball.Bytes(index)},
	)
	forDocker := tarManifest{Config: ocilayout.File(manifest.Config.Digest), RepoTags: names, Layers: []string{}}
	there := map[v1.Hash]bool{}
	add := func(d v1.Descriptor) {
		if !there[d.Digest] {
			there[d.Digest] = true
			archive.Add(tarball.File{Name: ocilayout.File(d.Digest), Source: tarball.Digested{Path: l.Path(d.Digest), Size: d.Size, SHA256: d.Digest.Hex}})
		}
	}
	add(described.descriptor)
	add(manifest.Config)
	for _, layer := range manifest.Layers {
		add(layer)
		forDocker.Layers = append(forDocker.Layers, ocilayout.File(layer.Digest))
	}
	data, err := json.Marshal([]tarManifest{forDocker})
	archive.Add(tarball.File{Name: "manifest.json", Source: tarball.Bytes(data)})
	made := described.config.Created.Time
	if made.IsZero() {
		made = time.Unix(0, 0) // an image of others that says nothing
	}
	return archive, made, err
}

package image

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/hint"
)

// Annotations of the entries of index.json by which readers find an image.
const (
	refName       = "org.opencontainers.image.ref.name" // of image-spec; skopeo and podman go by it
	containerName = "io.containerd.image.name"          // containerd's and docker's
)

// layoutFile is the content of oci-layout (image-spec, image-layout.md).
const layoutFile = `{"imageLayoutVersion":"1.0.0"}`

// Reference is a name of an image or an index.
type Reference struct {
	Name       string // REGISTRY/REPOSITORY:TAG; layouts that others wrote have a tag alone, or none
	Descriptor v1.Descriptor
}

// WriteRoot names the images and indices of the layout: it writes oci-layout and then, in one step, index.json, in which the
// references are sorted by name. What index.json named before and refs does not is not named any more.
//
// No name ever leads to half an image: before, everything that the references need is looked for, in the right size.
// Names must be whole, with registry and tag, and not come twice.
func (l *Layout) WriteRoot(ctx context.Context, refs []Reference) error {
	for _, ref := range refs {
		err := l.Walk(ctx, ref.Descriptor, func(Blob) error { return nil })
		if err != nil {
			return fmt.Errorf("image %s: %w", ref.Name, err)
		}
	}
	data, err := rootDocument(refs)
	if err != nil {
		return fmt.Errorf("layout %s: %w", l.dir, err)
	}
	if err := atomicfile.MkdirAll(l.dir); err != nil {
		return err
	}
	// The names of blobs were made durable when they were written, those of their directories are now.
	for _, dir := range []string{"blobs", "."} {
		if err := atomicfile.SyncDir(filepath.Join(l.dir, dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := l.replace("oci-layout", []byte(layoutFile)); err != nil {
		return err
	}
	return l.replace("index.json", data)
}

// rootDocument returns the index.json of references.
func rootDocument(refs []Reference) ([]byte, error) {
	root := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{}}
	sorted := slices.SortedFunc(slices.Values(refs), func(a, b Reference) int { return cmp.Compare(a.Name, b.Name) })
	for i, ref := range sorted {
		if err := checkName(ref.Name); err != nil {
			return nil, err
		}
		if i > 0 && sorted[i-1].Name == ref.Name {
			return nil, fmt.Errorf("%s: named twice", ref.Name)
		}
		root.Manifests = append(root.Manifests, v1.Descriptor{
			MediaType:   ref.Descriptor.MediaType,
			Size:        ref.Descriptor.Size,
			Digest:      ref.Descriptor.Digest,
			Platform:    ref.Descriptor.Platform,
			Annotations: map[string]string{refName: ref.Name, containerName: ref.Name},
		})
	}
	if len(root.Manifests) > maxNames {
		return nil, fmt.Errorf("%d names, more than %d", len(root.Manifests), maxNames)
	}
	data, err := json.MarshalIndent(root, "", "  ")
	return append(data, '\n'), err
}

// checkName refuses a name that clients would complete, each in its own way.
func checkName(ref string) error {
	if _, err := name.NewTag(ref, name.StrictValidation); err != nil {
		return hint.With(fmt.Errorf("name of an image %q: %w", ref, err), "give the whole name, as registry.example.org/repository:tag")
	}
	return nil
}

// replace writes a file of the layout, unless it is there with that content.
func (l *Layout) replace(file string, data []byte) error {
	path := filepath.Join(l.dir, file)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return nil
	}
	return atomicfile.WriteFile(path, data, 0o644)
}

// References reads what the layout names, in the order of index.json.
func (l *Layout) References() ([]Reference, error) {
	refs, err := l.references()
	if err != nil {
		return nil, fmt.Errorf("layout %s: %w", l.dir, err)
	}
	return refs, nil
}

func (l *Layout) references() ([]Reference, error) {
	data, err := l.small("oci-layout")
	if err != nil {
		return nil, err
	}
	var header struct {
		Version string `json:"imageLayoutVersion"`
	}
	if err := json.Unmarshal(data, &header); err != nil {
		return nil, fmt.Errorf("oci-layout: %w", refused("%w", err))
	}
	if header.Version != "1.0.0" {
		return nil, fmt.Errorf("oci-layout: %w", refused("imageLayoutVersion %q, not 1.0.0", header.Version))
	}
	if data, err = l.small("index.json"); err != nil {
		return nil, err
	}
	root, err := parseIndex(data, types.OCIImageIndex, maxNames)
	if err != nil {
		return nil, fmt.Errorf("index.json: %w", err)
	}
	refs := make([]Reference, len(root.Manifests))
	for i, d := range root.Manifests {
		refs[i] = Reference{Name: d.Annotations[refName], Descriptor: d}
	}
	return refs, nil
}

// small reads a file of the layout that is no blob.
func (l *Layout) small(file string) ([]byte, error) {
	f, err := os.OpenInRoot(l.dir, file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, cmp.Or(err, fmt.Errorf("%s: not a regular file", file))
	}
	data, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err == nil && len(data) > maxDocument {
		err = fmt.Errorf("%s: %w", file, refused("more than %d bytes", maxDocument))
	}
	return data, err
}

package image

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/hint"
	"kubedist/pkg/ocilayout"
)

// containerName is the annotation of an entry of index.json by which containerd and docker find an image.
const containerName = "io.containerd.image.name"

// layoutFile is the content of oci-layout (image-spec, image-layout.md).
const layoutFile = `{"imageLayoutVersion":"` + ocilayout.Version + `"}`

// WriteRoot names the images and indices of the layout: it writes oci-layout and then, in one step, index.json, in which the
// references are sorted by name. What index.json named before and refs does not is not named any more.
//
// No name ever leads to half an image: before, everything that the references need is looked for, in the right size.
// Names must be whole, with registry and tag, and not come twice.
func (l *Layout) WriteRoot(ctx context.Context, refs []ocilayout.Reference) error {
	for _, ref := range refs {
		if _, err := l.needs(ctx, ref.Descriptor); err != nil {
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
	if err := l.replace(ocilayout.VersionFile, []byte(layoutFile)); err != nil {
		return err
	}
	return l.replace(ocilayout.IndexFile, data)
}

// rootDocument returns the index.json of references.
func rootDocument(refs []ocilayout.Reference) ([]byte, error) {
	root := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{}}
	sorted := slices.SortedFunc(slices.Values(refs), func(a, b ocilayout.Reference) int { return cmp.Compare(a.Name, b.Name) })
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
			Annotations: map[string]string{ocilayout.RefName: ref.Name, containerName: ref.Name},
		})
	}
	if len(root.Manifests) > ocilayout.MaxEntries {
		return nil, fmt.Errorf("%d names, more than %d", len(root.Manifests), ocilayout.MaxEntries)
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

// References reads what the layout names, sorted by name. A layout that names nothing yet is an error that wraps
// fs.ErrNotExist.
func (l *Layout) References() ([]ocilayout.Reference, error) { return l.read().References() }

// needs lists the blobs that an image or an index needs, itself the last, and sees that they are there: documents are read
// and checked whole, layers are only looked for, in the right size.
func (l *Layout) needs(ctx context.Context, root v1.Descriptor) ([]v1.Descriptor, error) {
	tree, err := l.read().Tree(root)
	if err != nil {
		return nil, err
	}
	images := tree.Images
	if tree.Manifest != nil {
		images = []*ocilayout.Tree{tree}
	}
	var all []v1.Descriptor
	for _, image := range images {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		d := image.Descriptor
		config, err := l.read().Config(image.Manifest)
		if err != nil {
			return nil, fmt.Errorf("manifest %s: %w", d.Digest, err)
		}
		if config != nil && d.Platform != nil && !samePlatform(d.Platform, config.Platform()) {
			return nil, fmt.Errorf("manifest %s: of %s, its configuration of %s: %w", d.Digest, d.Platform, config.Platform(), ocilayout.ErrDocument)
		}
		all = append(append(all, image.Manifest.Layers...), image.Manifest.Config, d)
	}
	return append(all, root), nil
}

// Prune removes the blobs that no reference of index.json needs, and what killed processes left of others, and returns
// the names of the removed files, sorted. Nobody may write into the layout meanwhile. A layout that is not whole is an
// error, and keeps all it has.
func (l *Layout) Prune(ctx context.Context) ([]string, error) {
	refs, err := l.References()
	if err != nil {
		return nil, err
	}
	needed := map[string]bool{}
	for _, ref := range refs {
		blobs, err := l.needs(ctx, ref.Descriptor)
		if err != nil {
			return nil, fmt.Errorf("image layout %s: image %s: %w", l.dir, ref.Name, err)
		}
		for _, d := range blobs {
			needed[d.Digest.Hex] = true
		}
	}
	dir := filepath.Join(l.dir, "blobs", "sha256")
	removed, err := atomicfile.Clean(dir)
	if err != nil {
		return removed, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return removed, err
	}
	for _, e := range entries {
		if needed[e.Name()] || ocilayout.CheckDigest(v1.Hash{Algorithm: "sha256", Hex: e.Name()}) != nil {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return removed, err
		}
		removed = append(removed, e.Name())
	}
	slices.Sort(removed)
	return removed, nil
}

// Package ocilayout reads OCI image layouts, and the documents in them: index.json, indices (manifest lists), manifests of
// images and their configurations. It knows the OCI image format specification 1.1
// (https://github.com/opencontainers/image-spec), and docker's names for the same documents. It writes nothing and talks to
// no registry; who has a document or a blob from one has them checked here, too.
//
// Directories and documents are untrusted. Nothing outside of a layout is read, and nothing opened that is no regular file.
// Documents are bounded and checked before anything follows what they say, and the end of a blob is given out only when
// its size and digest are those that were promised.
package ocilayout

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"kubedist/pkg/hint"
)

// Names of what a layout has beside its blobs (image-spec, image-layout.md).
const (
	VersionFile = "oci-layout"
	IndexFile   = "index.json"
	Version     = "1.0.0" // of the layout, as VersionFile says
)

// RefName is the annotation of an entry of index.json that says what the image is called.
const RefName = "org.opencontainers.image.ref.name"

// Layout is the directory of an image layout.
type Layout string

// Reference is an image or index that a layout names.
type Reference struct {
	Name       string // REGISTRY/REPOSITORY:TAG; layouts that others wrote may have a tag alone
	Descriptor v1.Descriptor
}

// File is where the blob with a digest lies below every layout, with slashes.
func File(digest v1.Hash) string { return path.Join("blobs", digest.Algorithm, digest.Hex) }

// References lists what the layout names, sorted by name. An entry without a name, or with that of another, is an error. A
// directory that is none, or no layout, is one that wraps fs.ErrNotExist.
func (l Layout) References() ([]Reference, error) {
	refs, err := l.references()
	if err != nil {
		return nil, fmt.Errorf("image layout %s: %w", l, err)
	}
	return refs, nil
}

func (l Layout) references() ([]Reference, error) {
	raw, err := l.small(VersionFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hint.With(fmt.Errorf("there is no file %s in it: %w", VersionFile, err), "name the directory of a release, or one that has oci-layout, index.json and blobs")
	}
	var header struct {
		Version string `json:"imageLayoutVersion"`
	}
	switch {
	case err != nil:
	case json.Unmarshal(raw, &header) != nil:
		err = refused("not a JSON object")
	case header.Version != Version:
		err = refused("version %q, not %s", header.Version, Version)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", VersionFile, err)
	}
	var index *v1.IndexManifest
	if raw, err = l.small(IndexFile); err == nil {
		index, err = ParseIndex(raw, types.OCIImageIndex)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", IndexFile, err)
	}
	var refs []Reference
	names := map[string]bool{}
	for _, d := range index.Manifests {
		name := d.Annotations[RefName]
		switch {
		case name == "":
			return nil, fmt.Errorf("%s: %s has no annotation %s", IndexFile, d.Digest, RefName)
		case names[name]:
			return nil, fmt.Errorf("%s: %s is there twice", IndexFile, name)
		}
		names[name] = true
		refs = append(refs, Reference{name, d})
	}
	slices.SortFunc(refs, func(a, b Reference) int { return cmp.Compare(a.Name, b.Name) })
	return refs, nil
}

// small reads a file that is no blob.
func (l Layout) small(name string) ([]byte, error) {
	f, _, err := l.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxDocument+1))
	if err == nil {
		err = checkSize(int64(len(data)))
	}
	return data, err
}

// Blob opens a blob that is there in its size. What is read of it is checked as [Verified] says. Any other blob is a
// [BlobError].
func (l Layout) Blob(d v1.Descriptor) (io.ReadCloser, error) {
	if err := checkDescriptor(d); err != nil {
		return nil, err
	}
	f, size, err := l.open(File(d.Digest))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("not in the layout %s: %w", l, fs.ErrNotExist)
	case err == nil && size != d.Size:
		err = cmp.Or(f.Close(), fmt.Errorf("%d bytes, not %d: %w", size, d.Size, ErrDamaged))
	}
	if err != nil {
		return nil, &BlobError{d.Digest, err}
	}
	return Verified(f, d), nil
}

// Has looks whether a blob is there in its size, and can be opened.
func (l Layout) Has(d v1.Descriptor) error {
	r, err := l.Blob(d)
	if err != nil {
		return err
	}
	return r.Close()
}

// Document reads a manifest, an index or a configuration whole.
func (l Layout) Document(d v1.Descriptor) ([]byte, error) {
	if err := checkSize(d.Size); err != nil {
		return nil, fmt.Errorf("blob %s: %w", d.Digest, err)
	}
	r, err := l.Blob(d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// Lookup reads a manifest or an index of which only the digest is known, and says of what size and type it is.
func (l Layout) Lookup(digest v1.Hash) (v1.Descriptor, []byte, error) {
	d := v1.Descriptor{Digest: digest}
	if err := checkDescriptor(d); err != nil {
		return d, nil, err
	}
	f, size, err := l.open(File(digest))
	if err != nil {
		return d, nil, &BlobError{digest, err}
	}
	f.Close()
	d.Size = size
	raw, err := l.Document(d)
	if err != nil {
		return d, nil, err
	}
	if d.MediaType, err = TypeOf(raw); err != nil {
		return d, nil, fmt.Errorf("manifest %s: %w", digest, err)
	}
	return d, raw, nil
}

// open opens a regular file. What it is, is asked before: opening a FIFO blocks until somebody writes into it.
func (l Layout) open(name string) (f *os.File, size int64, err error) {
	root, err := os.OpenRoot(string(l))
	if err != nil {
		return nil, 0, err
	}
	defer root.Close()
	info, err := root.Lstat(name)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("not a regular file: %w", ErrDamaged)
	}
	if f, err = root.Open(name); err != nil {
		return nil, 0, err
	}
	if now, err := f.Stat(); err != nil || !os.SameFile(info, now) {
		return nil, 0, errors.Join(fmt.Errorf("changed while it was opened: %w", ErrDamaged), err, f.Close())
	}
	return f, info.Size(), nil
}

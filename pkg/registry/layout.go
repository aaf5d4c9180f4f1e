package registry

import (
	"cmp"
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

// refName is the annotation of a layout's index.json that names an image.
const refName = "org.opencontainers.image.ref.name"

// Layout is a directory in the form of an OCI Image Layout 1.0.0, open for reading. Whatever its files say, nothing outside
// of it is read.
type Layout struct {
	dir     string
	root    *os.Root
	entries []Entry
}

// Entry is an image or index of a layout that has a name.
type Entry struct {
	Name       string // REGISTRY/REPOSITORY:TAG, as the annotation says
	Descriptor v1.Descriptor
}

// OpenLayout opens the layout in dir. It has to be closed.
func OpenLayout(dir string) (*Layout, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("image layout: %w", err)
	}
	l := &Layout{dir: dir, root: root}
	if err := l.load(); err != nil {
		root.Close()
		return nil, fmt.Errorf("image layout %s: %w", dir, err)
	}
	return l, nil
}

// Close ends reading.
func (l *Layout) Close() error { return l.root.Close() }

// Entries lists what the layout names, sorted by name.
func (l *Layout) Entries() []Entry { return l.entries }

// load reads oci-layout and index.json.
func (l *Layout) load() error {
	var version struct {
		Version string `json:"imageLayoutVersion"`
	}
	raw, err := l.read("oci-layout")
	if errors.Is(err, fs.ErrNotExist) {
		return hint.With(errors.New("there is no file oci-layout in it"), "name the directory of a release, or one that has oci-layout, index.json and blobs")
	}
	if err == nil {
		err = decode(raw, &version)
	}
	if err != nil {
		return fmt.Errorf("oci-layout: %w", err)
	}
	if version.Version != "1.0.0" {
		return fmt.Errorf("oci-layout: version %q, not 1.0.0", version.Version)
	}
	var index v1.IndexManifest
	if raw, err = l.read("index.json"); err == nil {
		err = decode(raw, &index)
	}
	if err == nil {
		err = checkHead(index.SchemaVersion, index.MediaType, types.OCIImageIndex, len(index.Manifests))
	}
	if err != nil {
		return fmt.Errorf("index.json: %w", err)
	}
	names := map[string]bool{}
	for _, d := range index.Manifests {
		name := d.Annotations[refName]
		switch {
		case name == "":
			return fmt.Errorf("index.json: %s has no annotation %s", d.Digest, refName)
		case names[name]:
			return fmt.Errorf("index.json: %s is there twice", name)
		}
		names[name] = true
		l.entries = append(l.entries, Entry{name, d})
	}
	slices.SortFunc(l.entries, func(a, b Entry) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}

// Tree reads an entry with all manifests below it. Blobs are read when they are sent.
func (l *Layout) Tree(e Entry) (*Tree, error) {
	t, err := l.tree(e.Descriptor, true)
	if err != nil {
		return nil, hint.With(fmt.Errorf("image layout %s: %s: %w", l.dir, e.Name, err), "make the images again; nothing was tagged")
	}
	return t, nil
}

func (l *Layout) tree(d v1.Descriptor, top bool) (*Tree, error) {
	if err := checkDescriptor(d); err != nil {
		return nil, err
	}
	raw, err := l.manifest(d)
	if err != nil {
		return nil, err
	}
	t := &Tree{Descriptor: d, Raw: raw}
	if top && d.MediaType.IsIndex() {
		index, err := ParseIndex(raw, d.MediaType)
		if err != nil {
			return nil, fmt.Errorf("index %s: %w", d.Digest, err)
		}
		if len(index.Manifests) == 0 {
			return nil, fmt.Errorf("index %s: is empty", d.Digest)
		}
		for _, m := range index.Manifests {
			image, err := l.tree(m, false)
			if err != nil {
				return nil, err
			}
			t.Images = append(t.Images, image)
		}
		return t, nil
	}
	m, err := ParseImage(raw, d.MediaType)
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", d.Digest, err)
	}
	t.Blobs = blobsOf(m, func(d v1.Descriptor) v1.Layer {
		return &blob{d, func() (io.ReadCloser, error) { return l.openBlob(d) }}
	})
	// What is missing is said before anything is sent.
	for _, b := range t.Blobs {
		f, err := l.openBlob(b.Descriptor)
		if err != nil {
			return nil, err
		}
		f.Close()
	}
	return t, nil
}

// manifest reads a small blob and checks its digest.
func (l *Layout) manifest(d v1.Descriptor) ([]byte, error) {
	if d.Size > maxManifest {
		return nil, fmt.Errorf("manifest %s: %d bytes, more than %d", d.Digest, d.Size, maxManifest)
	}
	f, err := l.openBlob(d)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(&verifiedReader{from: f, descriptor: d, sum: newSum()})
}

// openBlob opens a blob that has the size that was promised.
func (l *Layout) openBlob(d v1.Descriptor) (io.ReadCloser, error) {
	f, size, err := l.open(path.Join("blobs", d.Digest.Algorithm, d.Digest.Hex))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &DigestError{d.Digest, "is missing"}
	}
	if err != nil {
		return nil, fmt.Errorf("blob %s: %w", d.Digest, err)
	}
	if size != d.Size {
		f.Close()
		return nil, &DigestError{d.Digest, fmt.Sprintf("%d bytes, %d expected", size, d.Size)}
	}
	return f, nil
}

// read reads a small file.
func (l *Layout) read(name string) ([]byte, error) {
	f, size, err := l.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > maxManifest {
		return nil, fmt.Errorf("larger than %d bytes", maxManifest)
	}
	return io.ReadAll(io.LimitReader(f, maxManifest))
}

// open opens a regular file. Anything else is refused before it is opened, as opening may block.
func (l *Layout) open(name string) (*os.File, int64, error) {
	info, err := l.root.Lstat(name)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s: not a regular file", name)
	}
	f, err := l.root.Open(name)
	return f, info.Size(), err
}

package ocilayout_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"kubedist/pkg/ocilayout"
)

const (
	indexType    = "application/vnd.oci.image.index.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar+gzip"
	config       = `{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}`
)

var zeros = "sha256:" + strings.Repeat("0", 64)

func put(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// putBlob writes content under its digest and returns its descriptor as JSON.
func putBlob(t testing.TB, dir, mediaType, content string) string {
	t.Helper()
	digest := fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
	blobs := filepath.Join(dir, "blobs", "sha256")
	if err := os.MkdirAll(blobs, 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(blobs, digest), content)
	return descriptor(mediaType, "sha256:"+digest, len(content))
}

func descriptor(mediaType, digest string, size int) string {
	return fmt.Sprintf(`{"mediaType":%q,"size":%d,"digest":%q}`, mediaType, size, digest)
}

func manifest(config string, layers ...string) string {
	return fmt.Sprintf(`{"schemaVersion":2,"config":%s,"layers":[%s]}`, config, strings.Join(layers, ","))
}

func index(manifests ...string) string {
	return fmt.Sprintf(`{"schemaVersion":2,"manifests":[%s]}`, strings.Join(manifests, ","))
}

// putRoot writes oci-layout and an index.json of descriptors, which it gives names.
func putRoot(t testing.TB, dir string, descriptors ...string) {
	t.Helper()
	for i, d := range descriptors {
		descriptors[i] = fmt.Sprintf(`%s,"annotations":{"org.opencontainers.image.ref.name":"example.org/%d:v1"}}`, strings.TrimSuffix(d, "}"), len(descriptors)-i)
	}
	put(t, filepath.Join(dir, "index.json"), index(descriptors...))
	put(t, filepath.Join(dir, "oci-layout"), `{"imageLayoutVersion": "1.0.0"}`)
}

// read reads all that a layout names, whole.
func read(dir string) error {
	l := ocilayout.Layout(dir)
	refs, err := l.References()
	if err != nil {
		return err
	}
	for _, ref := range refs {
		tree, err := l.Tree(ref.Descriptor)
		if err != nil {
			return err
		}
		images := tree.Images
		if tree.Manifest != nil {
			images = []*ocilayout.Tree{tree}
		}
		for _, image := range images {
			if _, err := l.Config(image.Manifest); err != nil {
				return err
			}
			for _, d := range image.Manifest.Layers {
				r, err := l.Blob(d)
				if err != nil {
					return err
				}
				if _, err := io.Copy(io.Discard, r); err != nil {
					return errors.Join(err, r.Close())
				}
				r.Close()
			}
		}
	}
	return nil
}

// Each is refused, by a clear error.
func TestHostileLayouts(t *testing.T) {
	t.Parallel()
	one := func(dir, mediaType, content string) { putRoot(t, dir, putBlob(t, dir, mediaType, content)) }
	document := ocilayout.ErrDocument
	for name, test := range map[string]struct {
		make func(dir string)
		is   error
		want string
	}{
		"nothing":       {func(string) {}, fs.ErrNotExist, "there is no file oci-layout in it"},
		"other version": {func(dir string) { putRoot(t, dir); put(t, dir+"/oci-layout", `{"imageLayoutVersion":"2"}`) }, document, `oci-layout: not what the OCI image specification says: version "2", not 1.0.0`},
		"no version":    {func(dir string) { putRoot(t, dir); put(t, dir+"/oci-layout", `x`) }, document, "oci-layout: "},
		"no JSON":       {func(dir string) { putRoot(t, dir); put(t, dir+"/index.json", `{`) }, document, "index.json: "},
		"more behind":   {func(dir string) { putRoot(t, dir); put(t, dir+"/index.json", index()+"{}") }, document, "after top-level value"},
		"no manifests":  {func(dir string) { putRoot(t, dir); put(t, dir+"/index.json", `{"schemaVersion":2}`) }, document, "no manifests"},
		"no names":      {func(dir string) { putRoot(t, dir); put(t, dir+"/index.json", index(descriptor(indexType, zeros, 1))) }, nil, "has no annotation"},
		"two names": {func(dir string) {
			putRoot(t, dir, descriptor(indexType, zeros, 1))
			data, err := os.ReadFile(dir + "/index.json")
			if err != nil {
				t.Fatal(err)
			}
			start := bytes.IndexByte(data, '[') + 1
			put(t, dir+"/index.json", string(data[:start])+string(data[start:len(data)-2])+","+string(data[start:]))
		}, nil, "example.org/1:v1 is there twice"},
		"large root": {func(dir string) { putRoot(t, dir); put(t, dir+"/index.json", strings.Repeat(" ", 5<<20)) }, document, "more than 4194304 bytes"},
		"root leads out": {func(dir string) {
			other := t.TempDir()
			putRoot(t, other)
			putRoot(t, dir)
			if err := errors.Join(os.Remove(dir+"/index.json"), os.Symlink(other+"/index.json", dir+"/index.json")); err != nil {
				t.Fatal(err)
			}
		}, ocilayout.ErrDamaged, "index.json: not a regular file"},
		"root that waits": {func(dir string) {
			if err := syscall.Mkfifo(dir+"/oci-layout", 0o644); err != nil {
				t.Fatal(err)
			}
		}, ocilayout.ErrDamaged, "oci-layout: not a regular file"},
		"blobs lead out": {func(dir string) {
			one(dir, manifestType, manifest(putBlob(t, dir, configType, config)))
			moved := filepath.Join(t.TempDir(), "blobs")
			if err := errors.Join(os.Rename(dir+"/blobs", moved), os.Symlink(moved, dir+"/blobs")); err != nil {
				t.Fatal(err)
			}
		}, nil, "escapes"},
		"missing manifest": {func(dir string) { putRoot(t, dir, descriptor(manifestType, zeros, 1)) }, fs.ErrNotExist, zeros},
		"missing layer": {func(dir string) {
			one(dir, manifestType, manifest(putBlob(t, dir, configType, config), descriptor(layerType, zeros, 1)))
		}, fs.ErrNotExist, zeros},
		"no index":     {func(dir string) { one(dir, "text/plain", "x") }, document, `media type "text/plain": not that of an image`},
		"empty index":  {func(dir string) { one(dir, indexType, index()) }, document, "is empty"},
		"deep":         {func(dir string) { one(dir, indexType, index(putBlob(t, dir, indexType, index()))) }, document, "not that of an image"},
		"bad config":   {func(dir string) { one(dir, manifestType, manifest(putBlob(t, dir, configType, "x"))) }, document, "configuration sha256:"},
		"bad manifest": {func(dir string) { one(dir, manifestType, "x") }, document, "manifest sha256:"},
		"large index": {func(dir string) {
			var all []string
			for i := range 17 {
				m := manifest(putBlob(t, dir, configType, config))
				all = append(all, putBlob(t, dir, manifestType, m+strings.Repeat(" ", 4<<20-len(m)-i)))
			}
			one(dir, indexType, index(all...))
		}, document, "manifests of more than 67108864 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			test.make(dir)
			err := read(dir)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want %s", err, test.want)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("error %v does not wrap %v", err, test.is)
			}
		})
	}
}

// whole is a layout of an index with two images, and the digests of all that is in it.
func whole(t testing.TB) (dir string, digests []v1.Hash) {
	t.Helper()
	dir = t.TempDir()
	at, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	all := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for range 2 {
		img, err := random.Image(1000, 2)
		if err != nil {
			t.Fatal(err)
		}
		all = mutate.AppendManifests(all, mutate.IndexAddendum{Add: img})
	}
	if err := at.AppendIndex(all, layout.WithAnnotations(map[string]string{ocilayout.RefName: "example.org/a:v1"})); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Join(dir, "blobs", "sha256"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		digests = append(digests, v1.Hash{Algorithm: "sha256", Hex: f.Name()})
	}
	return dir, digests
}

func TestWhole(t *testing.T) {
	t.Parallel()
	dir, digests := whole(t)
	l := ocilayout.Layout(dir)
	if err := read(dir); err != nil || len(digests) != 9 {
		t.Fatalf("%d blobs: %v", len(digests), err)
	}
	refs, err := l.References()
	if err != nil || len(refs) != 1 || refs[0].Name != "example.org/a:v1" {
		t.Fatalf("references %v, %v", refs, err)
	}
	found, raw, err := l.Lookup(refs[0].Descriptor.Digest)
	if err != nil || found.MediaType != types.OCIImageIndex || found.Size != int64(len(raw)) || found.Size != refs[0].Descriptor.Size {
		t.Errorf("found %+v: %v", found, err)
	}
	tree, err := l.Tree(found)
	if err != nil || len(tree.Images) != 2 {
		t.Fatal(err)
	}
	for _, image := range tree.Images {
		img, err := l.Image(image.Descriptor)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(img); err != nil {
			t.Error(err)
		}
		if _, err := img.LayerByDigest(image.Descriptor.Digest); err == nil {
			t.Error("the manifest is a layer")
		}
	}
	if _, err := l.Image(found); err == nil {
		t.Error("an index is an image")
	}
}

// References are sorted, and of one image a thousand times in an index the blobs are looked for once.
func TestReferencesAreSorted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := putBlob(t, dir, manifestType, manifest(putBlob(t, dir, configType, config)))
	putRoot(t, dir, putBlob(t, dir, indexType, index(strings.Repeat(d+",", 999)+d)), d)
	refs, err := ocilayout.Layout(dir).References()
	if err != nil || len(refs) != 2 || refs[0].Name != "example.org/1:v1" || refs[0].Descriptor.MediaType != manifestType {
		t.Errorf("references %v: %v", refs, err)
	}
	if err := read(dir); err != nil {
		t.Error(err)
	}
}

package image_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	gcrtarball "github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"kubedist/pkg/image"
	"kubedist/pkg/tarball"
)

// tarOf writes the tar of an image to a file.
func tarOf(t *testing.T, l *image.Layout, d v1.Descriptor, names ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.tar")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Tar(t.Context(), f, d, names), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// Readers of docker's tars and of image layouts both take it, and see the image.
func TestTar(t *testing.T) {
	t.Parallel()
	l := image.NewLayout(t.TempDir())
	written := imageOf(t, l, "linux/arm/v7")
	other := "registry.example.org/pause-arm:3.10"
	path := tarOf(t, l, written.Descriptor, ref, other)

	for _, called := range []string{ref, other} {
		tag, err := name.NewTag(called)
		if err != nil {
			t.Fatal(err)
		}
		img, err := gcrtarball.ImageFromPath(path, &tag)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(img); err != nil {
			t.Error(err)
		}
		file, err := img.ConfigFile()
		if err != nil || file.Variant != "v7" || len(file.RootFS.DiffIDs) != 2 {
			t.Errorf("configuration %v: %v", file, err)
		}
	}

	dir := t.TempDir()
	unpack(t, path, dir)
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	ours := image.NewLayout(dir)
	if blobs := whole(t, ours); blobs != 4 {
		t.Errorf("%d blobs", blobs)
	}
	refs, err := ours.References()
	if err != nil || len(refs) != 2 || refs[0].Name != other || refs[0].Descriptor.Digest != written.Digest {
		t.Errorf("references %v: %v", refs, err)
	}

	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := os.ReadFile(tarOf(t, l, written.Descriptor, ref, other))
	if err != nil || !bytes.Equal(again, data) {
		t.Errorf("other bytes the second time: %v", err)
	}
}

// unpack writes the files of a tar into dir, and looks at their times and modes.
func unpack(t *testing.T, path, dir string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	headers, contents := readTar(t, data)
	for i, h := range headers {
		if !h.ModTime.Equal(stamp.Truncate(1e9)) || h.Uid != 0 || h.Gid != 0 {
			t.Errorf("%s: time %v, owner %d/%d", h.Name, h.ModTime, h.Uid, h.Gid)
		}
		to := filepath.Join(dir, h.Name)
		if strings.HasSuffix(h.Name, "/") {
			err = os.MkdirAll(to, 0o755)
		} else {
			err = os.WriteFile(to, contents[i], 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// An image that has one layer twice has its blob once.
func TestTarOfRepeatedLayer(t *testing.T) {
	t.Parallel()
	l := image.NewLayout(t.TempDir())
	layer := layerOf(t, l, "x")
	written, err := l.WriteImage(t.Context(), image.Image{Platform: id(t, "linux/amd64"), Time: stamp, Layers: []image.Layer{layer, layer}})
	if err != nil {
		t.Fatal(err)
	}
	img, err := gcrtarball.ImageFromPath(tarOf(t, l, written.Descriptor, ref), nil)
	if err != nil {
		t.Fatal(err)
	}
	if layers, err := img.Layers(); err != nil || len(layers) != 2 {
		t.Errorf("%d layers: %v", len(layers), err)
	}
}

func TestTarRefuses(t *testing.T) {
	t.Parallel()
	l := image.NewLayout(t.TempDir())
	index := fill(t, l, "linux/amd64")
	written := imageOf(t, l, "linux/amd64")
	refuse := func(want string, d v1.Descriptor, names ...string) error {
		t.Helper()
		err := l.Tar(t.Context(), io.Discard, d, names)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
		return err
	}
	refuse("it has no name", written.Descriptor)
	refuse("name of an image", written.Descriptor, "pause")
	refuse("named twice", written.Descriptor, ref, ref)
	refuse("is no image", index.Descriptor, ref)

	data, err := os.ReadFile(written.Files[0])
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	if err := os.WriteFile(written.Files[0], data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := refuse(written.Files[0], written.Descriptor, ref); !errors.Is(err, tarball.ErrDigest) {
		t.Errorf("a damaged layer: %v", err)
	}
}

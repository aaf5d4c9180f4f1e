package image_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"kubedist/pkg/image"
	"kubedist/pkg/ocilayout"
	"kubedist/pkg/platform"
	"kubedist/pkg/tarball"
)

// stamp is the time of everything in these tests.
var stamp = time.Date(2026, 7, 15, 12, 30, 45, 999, time.FixedZone("", 7200))

const ref = "registry.example.org/pause:3.10"

func ExampleLayout() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	when := time.Date(2026, 7, 15, 0, 0, 0, 0, time.UTC)
	l := image.NewLayout(dir)

	var images []v1.Descriptor
	for _, p := range []platform.ID{{OS: "linux", Arch: "arm", Variant: "v7"}, {OS: "linux", Arch: "amd64"}} {
		files := tarball.Archive{Root: true}
		files.Add(tarball.File{Name: "pause", Mode: 0o755, Source: tarball.Bytes("\x7fELF of " + p.String())})
		layer, err := l.WriteLayer(ctx, &files, tarball.Options{Time: when})
		if err != nil {
			fmt.Println(err)
			return
		}
		written, err := l.WriteImage(ctx, image.Image{
			Platform: p, Time: when, Layers: []image.Layer{layer},
			Config: image.Config{Entrypoint: []string{"/pause"}, User: "65535:65535"},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		images = append(images, written.Descriptor)
	}
	index, err := l.WriteIndex(ctx, images)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = l.WriteRoot(ctx, []ocilayout.Reference{{Name: "registry.example.org/pause:3.10", Descriptor: index.Descriptor}})
	if err != nil {
		fmt.Println(err)
		return
	}

	tree, err := ocilayout.Layout(dir).Tree(index.Descriptor)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, image := range tree.Images {
		fmt.Println(image.Descriptor.Platform, image.Descriptor.MediaType)
	}
	// Output:
	// linux/amd64 application/vnd.oci.image.manifest.v1+json
	// linux/arm/v7 application/vnd.oci.image.manifest.v1+json
}

func id(t testing.TB, s string) platform.ID {
	t.Helper()
	p, err := platform.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// files is the content of a small layer.
func files(content string) *tarball.Archive {
	a := tarball.Archive{Root: true}
	caps, err := image.Capabilities([]string{"cap_net_bind_service"})
	if err != nil {
		panic(err)
	}
	a.Add(
		tarball.File{Name: "usr/bin/program", Mode: 0o755, Source: tarball.Bytes(content), Xattrs: caps},
		tarball.File{Name: "tmp", Dir: true, Mode: 0o777 | fs.ModeSticky},
	)
	return &a
}

// layerOf writes a small layer.
func layerOf(t testing.TB, l *image.Layout, content string) image.Layer {
	t.Helper()
	layer, err := l.WriteLayer(t.Context(), files(content), tarball.Options{Time: stamp})
	if err != nil {
		t.Fatal(err)
	}
	layer.CreatedBy = "program " + content
	return layer
}

// imageOf writes a small image.
func imageOf(t testing.TB, l *image.Layout, p string) image.Written {
	t.Helper()
	written, err := l.WriteImage(t.Context(), image.Image{
		Platform: id(t, p), Time: stamp, Layers: []image.Layer{layerOf(t, l, "common"), layerOf(t, l, p)},
		Config: image.Config{
			Entrypoint: []string{"/go-runner"}, Cmd: []string{"program"}, Env: []string{"B=2", "A=<1>"}, User: "65532:65532",
			WorkingDir: "/tmp", Ports: []string{"53/udp", "8080"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return written
}

// fill writes an index of images of the platforms, named ref.
func fill(t testing.TB, l *image.Layout, platforms ...string) image.Written {
	t.Helper()
	var images []v1.Descriptor
	for _, p := range platforms {
		images = append(images, imageOf(t, l, p).Descriptor)
	}
	index, err := l.WriteIndex(t.Context(), images)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.WriteRoot(t.Context(), []ocilayout.Reference{{Name: ref, Descriptor: index.Descriptor}}); err != nil {
		t.Fatal(err)
	}
	return index
}

// tree maps the names of all files below dir to their modes and content.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[name] = info.Mode().String() + " " + string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// What others validate, they find right, by their reader and by ours.
func TestValidate(t *testing.T) {
	t.Parallel()
	l := image.NewLayout(t.TempDir())
	index := fill(t, l, "linux/arm/v7", "linux/amd64", "linux/arm64")
	theirs, err := layout.ImageIndexFromPath(l.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(theirs); err != nil {
		t.Error(err)
	}
	ours, err := ocilayout.Layout(l.Dir()).Tree(index.Descriptor)
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, image := range ours.Images {
		platforms = append(platforms, image.Descriptor.Platform.String())
		img, err := ocilayout.Layout(l.Dir()).Image(image.Descriptor)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(img); err != nil {
			t.Error(err)
		}
	}
	if got := strings.Join(platforms, " "); got != "linux/amd64 linux/arm/v7 linux/arm64" {
		t.Errorf("platforms %s", got)
	}
}

// The documents as they are, byte by byte: a change here changes the digest of every image.
func TestDocuments(t *testing.T) {
	t.Parallel()
	l := image.NewLayout(t.TempDir())
	written := imageOf(t, l, "linux/arm/v7")
	var got bytes.Buffer
	for _, path := range written.Files[len(written.Files)-2:] {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Indent(&got, data, "", "  "); err != nil {
			t.Fatal(err)
		}
		got.WriteByte('\n')
	}
	golden := filepath.Join("testdata", "documents.txt")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got.String(), want)
	}
	if len(written.Files) != 4 || written.Files[3] != l.Path(written.Digest) {
		t.Errorf("files %q", written.Files)
	}
}

func TestWriteImageRefuses(t *testing.T) {
	t.Parallel()
	l := image.NewLayout(t.TempDir())
	layer := layerOf(t, l, "x")
	missing := layer
	missing.Digest.Hex = strings.Repeat("0", 64)
	outside := layer
	outside.Digest.Hex = "../../index.json"
	tests := map[string]func(*image.Image){
		"platform is not set":         func(i *image.Image) { i.Platform = platform.ID{} },
		"time is not set":             func(i *image.Image) { i.Time = time.Time{} },
		"no layers":                   func(i *image.Image) { i.Layers = nil },
		"128 layers":                  func(i *image.Image) { i.Layers = slices.Repeat(i.Layers, 128) },
		"not in the layout":           func(i *image.Image) { i.Layers = []image.Layer{missing} },
		"is no SHA-256":               func(i *image.Image) { i.Layers = []image.Layer{outside} },
		`environment "X"`:             func(i *image.Image) { i.Config.Env = []string{"X"} },
		"environment X: set twice":    func(i *image.Image) { i.Config.Env = []string{"X=1", "X=2"} },
		`port "80/http"`:              func(i *image.Image) { i.Config.Ports = []string{"80/http"} },
		`working directory "tmp"`:     func(i *image.Image) { i.Config.WorkingDir = "tmp" },
		"its program has no name":     func(i *image.Image) { i.Config.Entrypoint = []string{""} },
		"more than the 4194304 that ": func(i *image.Image) { i.Config.Env = []string{"A=" + strings.Repeat("x", 5<<20)} },
	}
	for want, change := range tests {
		img := image.Image{Platform: id(t, "linux/arm64"), Time: stamp, Layers: []image.Layer{layer}}
		change(&img)
		if _, err := l.WriteImage(t.Context(), img); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestWriteIndexRefuses(t *testing.T) {
	t.Parallel()
	l := image.NewLayout(t.TempDir())
	amd64, arm64, v8 := imageOf(t, l, "linux/amd64"), imageOf(t, l, "linux/arm64"), imageOf(t, l, "linux/arm64/v8")
	wrong := amd64.Descriptor
	wrong.Platform = arm64.Platform
	resized := amd64.Descriptor
	resized.Size++
	index, err := l.WriteIndex(t.Context(), []v1.Descriptor{amd64.Descriptor})
	if err != nil {
		t.Fatal(err)
	}
	for want, images := range map[string][]v1.Descriptor{
		"no images":                           {},
		"two images of linux/amd64":           {amd64.Descriptor, arm64.Descriptor, amd64.Descriptor},
		"two images of linux/arm64":           {v8.Descriptor, arm64.Descriptor},
		"of linux/amd64, as its":              {wrong},
		"is no image":                         {index.Descriptor},
		"no digest":                           {{MediaType: types.OCIManifestSchema1}},
		fmt.Sprint(amd64.Size, " bytes, not"): {resized},
	} {
		if _, err := l.WriteIndex(t.Context(), images); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

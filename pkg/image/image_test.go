package image_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"kubedist/pkg/image"
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
	index, err := l.WriteIndex(ctx, images, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = l.WriteRoot(ctx, []image.Reference{{Name: "registry.example.org/pause:3.10", Descriptor: index.Descriptor}})
	if err != nil {
		fmt.Println(err)
		return
	}

	blobs, err := l.Verify(ctx)
	fmt.Println(len(blobs), "blobs,", err)
	found, err := l.Images(ctx, index.Descriptor)
	for _, d := range found {
		fmt.Println(d.Platform, d.MediaType)
	}
	fmt.Println(err)
	// Output:
	// 7 blobs, <nil>
	// linux/amd64 application/vnd.oci.image.manifest.v1+json
	// linux/arm/v7 application/vnd.oci.image.manifest.v1+json
	// <nil>
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
			Entrypoint: []string{"/go-runner"}, Cmd: []string{"program"}, Env: []string{"B=2", "A=1"}, User: "65532:65532",
			WorkingDir: "/tmp", Ports: []string{"53/udp", "8080"}, Labels: map[string]string{"b": "2", "a": "<1>"},
		},
		Annotations: map[string]string{"org.opencontainers.image.version": "v1"},
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
	index, err := l.WriteIndex(t.Context(), images, map[string]string{"org.opencontainers.image.version": "v1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.WriteRoot(t.Context(), []image.Reference{{Name: ref, Descriptor: index.Descriptor}}); err != nil {
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
	ours, err := l.Index(t.Context(), index.Descriptor)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(ours); err != nil {
		t.Error(err)
	}
	manifest, err := ours.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, d := range manifest.Manifests {
		platforms = append(platforms, d.Platform.String())
		img, err := l.Image(t.Context(), d)
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
	again, err := l.Describe(t.Context(), v1.Descriptor{Digest: written.Digest})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again, written) {
		t.Errorf("described as %+v, written as %+v", again, written)
	}
}

// Eight goroutines write the same and different blobs into one layout, which then is, file by file, what one makes. What
// is there is not written again.
func TestConcurrent(t *testing.T) {
	alone := image.NewLayout(t.TempDir())
	platforms := []string{"linux/amd64", "linux/arm/v7", "linux/arm64", "linux/ppc64le", "linux/riscv64", "linux/s390x"}
	fill(t, alone, platforms...)
	want := tree(t, alone.Dir())

	together := image.NewLayout(filepath.Join(t.TempDir(), "not", "yet"))
	cores := runtime.GOMAXPROCS(3)
	defer runtime.GOMAXPROCS(cores)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range platforms {
				imageOf(t, together, platforms[(i+j)%len(platforms)])
			}
		})
	}
	wg.Wait()
	times := map[string]time.Time{}
	for name := range tree(t, together.Dir()) {
		info, err := os.Stat(filepath.Join(together.Dir(), name))
		if err != nil {
			t.Fatal(err)
		}
		times[name] = info.ModTime()
	}
	// A Layout that knows nothing of the first looks at what is there.
	fill(t, image.NewLayout(together.Dir()), platforms...)
	got := tree(t, together.Dir())
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s is %q, want %q", name, got[name], want[name])
		}
		if was, ok := times[name]; ok {
			if info, err := os.Stat(filepath.Join(together.Dir(), name)); err != nil || !info.ModTime().Equal(was) {
				t.Errorf("%s was written again: %v", name, err)
			}
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
}

// A blob that was damaged is written anew, by a Layout that knew it as well as by one that did not.
func TestDamagedIsReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	knowing := image.NewLayout(dir)
	layer := layerOf(t, knowing, "x")
	whole, err := os.ReadFile(knowing.Path(layer.Digest))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []*image.Layout{knowing, image.NewLayout(dir)} {
		damaged := bytes.Clone(whole)
		damaged[len(damaged)/2] ^= 1
		if err := os.WriteFile(l.Path(layer.Digest), damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		if again := layerOf(t, l, "x"); again != layer {
			t.Errorf("layer %v, want %v", again, layer)
		}
		if got, err := os.ReadFile(l.Path(layer.Digest)); err != nil || !bytes.Equal(got, whole) {
			t.Errorf("still damaged: %v", err)
		}
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
		"more than the 4194304 that ": func(i *image.Image) { i.Annotations = map[string]string{"a": strings.Repeat("x", 5<<20)} },
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
	index, err := l.WriteIndex(t.Context(), []v1.Descriptor{amd64.Descriptor}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for want, images := range map[string][]v1.Descriptor{
		"no images":                           {},
		"two images of linux/amd64":           {amd64.Descriptor, arm64.Descriptor, amd64.Descriptor},
		"two images of linux/arm64":           {v8.Descriptor, arm64.Descriptor},
		"of linux/amd64, as its":              {wrong},
		"is no image":                         {index.Descriptor},
		"no digest":                           {{}},
		fmt.Sprint(amd64.Size, " bytes, not"): {resized},
	} {
		if _, err := l.WriteIndex(t.Context(), images, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestWriteRootRefuses(t *testing.T) {
	t.Parallel()
	l := image.NewLayout(t.TempDir())
	written := imageOf(t, l, "linux/amd64")
	gone := imageOf(t, l, "linux/s390x")
	if err := os.Remove(gone.Files[1]); err != nil {
		t.Fatal(err)
	}
	at := func(name string) image.Reference { return image.Reference{Name: name, Descriptor: written.Descriptor} }
	for want, refs := range map[string][]image.Reference{
		"named twice":        {at(ref), at(ref)},
		`"pause:1"`:          {at("pause:1")},
		`example.org/pause"`: {at("registry.example.org/pause")},
		"not in the layout":  {at(ref), {Name: "registry.example.org/other:1", Descriptor: gone.Descriptor}},
	} {
		if err := l.WriteRoot(t.Context(), refs); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(l.Dir(), "index.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("index.json after refusals: %v", err)
	}
}

func TestRootIsSortedAndPruned(t *testing.T) {
	t.Parallel()
	l := image.NewLayout(t.TempDir())
	a, b, old := imageOf(t, l, "linux/amd64"), imageOf(t, l, "linux/arm64"), imageOf(t, l, "linux/s390x")
	refs := []image.Reference{{Name: "registry.example.org/b:1", Descriptor: b.Descriptor}, {Name: "registry.example.org/a:1", Descriptor: a.Descriptor}}
	if err := l.WriteRoot(t.Context(), refs); err != nil {
		t.Fatal(err)
	}
	got, err := l.References()
	if err != nil || len(got) != 2 || got[0].Name != refs[1].Name || got[0].Descriptor.Digest != a.Digest {
		t.Fatalf("references %v, %v", got, err)
	}
	removed, err := l.Prune(t.Context())
	// Its first layer is in the others, too.
	want := []string{filepath.Base(old.Files[1]), filepath.Base(old.Files[2]), filepath.Base(old.Files[3])}
	slices.Sort(want)
	if err != nil || !slices.Equal(removed, want) {
		t.Errorf("removed %q, want %q: %v", removed, want, err)
	}
	if blobs, err := l.Verify(t.Context()); err != nil || len(blobs) != 7 {
		t.Errorf("%d blobs: %v", len(blobs), err)
	}
	if d := got[0].Descriptor; d.MediaType != types.OCIManifestSchema1 || d.Platform.String() != "linux/amd64" {
		t.Errorf("descriptor %v", d)
	}
}

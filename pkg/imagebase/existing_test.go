package imagebase_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"kubedist/pkg/hint"
	"kubedist/pkg/imagebase"
	"kubedist/pkg/spec"
)

// imageFor makes an image of one layer for a platform.
func imageFor(t testing.TB, p v1.Platform) v1.Image {
	t.Helper()
	img, err := random.Image(100, 1)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Variant = p.OS, p.Architecture, p.Variant
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	return img
}

// indexOf makes an index over images for platforms, whose entries say what the images are.
func indexOf(t testing.TB, platforms ...v1.Platform) (v1.ImageIndex, []v1.Image) {
	t.Helper()
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	var images []v1.Image
	for _, p := range platforms {
		img := imageFor(t, p)
		images = append(images, img)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &p}})
	}
	return index, images
}

func digestOf(t testing.TB, x interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	d, err := x.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

var (
	amd64 = v1.Platform{OS: "linux", Architecture: "amd64"}
	armv7 = v1.Platform{OS: "linux", Architecture: "arm", Variant: "v7"}
	arm64 = v1.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}
)

// fetchImage fetches a base that is an image already.
func fetchImage(t testing.TB, b spec.Base, on string) (v1.Image, error) {
	t.Helper()
	b.Name = "there"
	content, err := imagebase.Fetch(t.Context(), imagebase.Options{Base: b, Platform: platformOf(t, on, ""), CacheDir: t.TempDir()})
	if err != nil {
		return nil, err
	}
	if content.Archive != nil {
		t.Error("an image that is there has an archive")
	}
	return content.Image, validate.Image(content.Image)
}

// layoutOf writes an index into a layout.
func layoutOf(t testing.TB, index v1.ImageIndex) string {
	t.Helper()
	dir := t.TempDir()
	at, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = at.AppendIndex(index)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestLayout(t *testing.T) {
	t.Parallel()
	index, images := indexOf(t, amd64, armv7, arm64)
	dir := layoutOf(t, index)
	for i, on := range []string{"linux/amd64", "linux/arm/v7", "linux/arm64"} {
		for _, digest := range []string{digestOf(t, index), digestOf(t, images[i])} {
			img, err := fetchImage(t, spec.Base{Layout: dir + "@" + digest}, on)
			if err != nil || digestOf(t, img) != digestOf(t, images[i]) {
				t.Errorf("%s: got %v", on, err)
			}
		}
	}
	for on, digest := range map[string]string{"linux/s390x": digestOf(t, index), "linux/arm64": digestOf(t, images[0])} {
		if _, err := fetchImage(t, spec.Base{Layout: dir + "@" + digest}, on); !errors.Is(err, imagebase.ErrUnusable) || hint.Of(err) == "" {
			t.Errorf("%s: got %v", on, err)
		}
	}
	_, err := fetchImage(t, spec.Base{Layout: dir + "@sha256:" + strings.Repeat("0", 64)}, "linux/amd64")
	if !errors.Is(err, os.ErrNotExist) || hint.Of(err) == "" || !strings.HasPrefix(err.Error(), "base there: ") {
		t.Errorf("got %v", err)
	}
	if _, err := fetchImage(t, spec.Base{Layout: dir}, "linux/amd64"); err == nil || !strings.Contains(err.Error(), "names no digest") {
		t.Errorf("got %v", err)
	}
}

// Whatever is damaged in a layout is found: documents when the base is fetched, a layer when it is read.
func TestLayoutDamaged(t *testing.T) {
	t.Parallel()
	for name, part := range map[string]func(t *testing.T, index v1.ImageIndex, img v1.Image) v1.Hash{
		"index":    func(t *testing.T, index v1.ImageIndex, _ v1.Image) v1.Hash { return hashOf(t, index.Digest) },
		"manifest": func(t *testing.T, _ v1.ImageIndex, img v1.Image) v1.Hash { return hashOf(t, img.Digest) },
		"config":   func(t *testing.T, _ v1.ImageIndex, img v1.Image) v1.Hash { return hashOf(t, img.ConfigName) },
		"layer": func(t *testing.T, _ v1.ImageIndex, img v1.Image) v1.Hash {
			layers, err := img.Layers()
			if err != nil {
				t.Fatal(err)
			}
			return hashOf(t, layers[0].Digest)
		},
	} {
		for how, damage := range map[string]func(path string, data []byte) error{
			"changed": func(path string, data []byte) error {
				return os.WriteFile(path, append(bytes.Clone(data[:len(data)-1]), data[len(data)-1]^1), 0o644)
			},
			"cut":     func(path string, data []byte) error { return os.WriteFile(path, data[:len(data)-1], 0o644) },
			"longer":  func(path string, data []byte) error { return os.WriteFile(path, append(data, ' '), 0o644) },
			"missing": func(path string, _ []byte) error { return os.Remove(path) },
			"a link out": func(path string, data []byte) error {
				outside := filepath.Join(filepath.Dir(filepath.Dir(filepath.Dir(path))), "..", "outside")
				return errors.Join(os.WriteFile(outside, data, 0o644), os.Remove(path), os.Symlink(outside, path))
			},
			"a directory": func(path string, _ []byte) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o755)) },
			"a FIFO":      func(path string, _ []byte) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o644)) },
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				index, images := indexOf(t, amd64)
				dir := layoutOf(t, index)
				path := filepath.Join(dir, "blobs", "sha256", part(t, index, images[0]).Hex)
				data, err := os.ReadFile(path)
				if err == nil {
					err = damage(path, data)
				}
				if err != nil {
					t.Fatal(err)
				}
				if _, err := fetchImage(t, spec.Base{Layout: dir + "@" + digestOf(t, index)}, "linux/amd64"); err == nil {
					t.Error("nothing is wrong with it")
				}
			})
		}
	}
}

func hashOf(t testing.TB, f func() (v1.Hash, error)) v1.Hash {
	t.Helper()
	h, err := f()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestReference(t *testing.T) {
	t.Parallel()
	var damage func(path string, body []byte) []byte
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if damage == nil || r.Method != http.MethodGet {
			handler.ServeHTTP(w, r)
			return
		}
		recorded := httptest.NewRecorder()
		handler.ServeHTTP(recorded, r)
		body := damage(r.URL.Path, recorded.Body.Bytes())
		for key, values := range recorded.Header() {
			w.Header()[key] = values
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.WriteHeader(recorded.Code)
		w.Write(body)
	}))
	t.Cleanup(server.Close)
	repository := strings.TrimPrefix(server.URL, "http://") + "/a/base"
	index, images := indexOf(t, amd64, armv7)
	tag, err := name.NewTag(repository + ":latest")
	if err == nil {
		err = remote.WriteIndex(tag, index)
	}
	if err != nil {
		t.Fatal(err)
	}
	whole := spec.Base{Reference: repository + "@" + digestOf(t, index)}
	for _, b := range []spec.Base{whole, {Reference: repository + "@" + digestOf(t, images[1])}} {
		img, err := fetchImage(t, b, "linux/arm/v7")
		if err != nil || digestOf(t, img) != digestOf(t, images[1]) {
			t.Errorf("%s: got %v", b.Reference, err)
		}
	}
	for on, b := range map[string]spec.Base{"linux/s390x": whole, "linux/arm/v7": {Reference: repository + "@" + digestOf(t, images[0])}} {
		if _, err := fetchImage(t, b, on); !errors.Is(err, imagebase.ErrUnusable) || hint.Of(err) == "" {
			t.Errorf("%s: got %v", on, err)
		}
	}
	if _, err := fetchImage(t, spec.Base{Reference: repository + "@sha256:" + strings.Repeat("0", 64)}, "linux/arm/v7"); err == nil || hint.Of(err) == "" {
		t.Errorf("got %v", err)
	}
	for what, part := range map[string]string{"index": digestOf(t, index), "manifest": digestOf(t, images[1]), "config": hashOf(t, images[1].ConfigName).String()} {
		damage = func(path string, body []byte) []byte {
			if strings.HasSuffix(path, part) {
				body = bytes.Replace(body, []byte("sha256:"), []byte("sha256: "), 1)
			}
			return body
		}
		if _, err := fetchImage(t, whole, "linux/arm/v7"); err == nil {
			t.Errorf("another %s is taken", what)
		}
	}
	damage = nil
	server.Close()
	if _, err := fetchImage(t, whole, "linux/arm/v7"); err == nil || hint.Of(err) == "" {
		t.Errorf("got %v from no registry", err)
	}
}

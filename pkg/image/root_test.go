package image_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"kubedist/pkg/image"
	"kubedist/pkg/ocilayout"
)

func TestWriteRootRefuses(t *testing.T) {
	t.Parallel()
	l := image.NewLayout(t.TempDir())
	written := imageOf(t, l, "linux/amd64")
	gone := imageOf(t, l, "linux/s390x")
	if err := os.Remove(gone.Files[1]); err != nil {
		t.Fatal(err)
	}
	at := func(name string) ocilayout.Reference {
		return ocilayout.Reference{Name: name, Descriptor: written.Descriptor}
	}
	for want, refs := range map[string][]ocilayout.Reference{
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
	refs := []ocilayout.Reference{{Name: "registry.example.org/b:1", Descriptor: b.Descriptor}, {Name: "registry.example.org/a:1", Descriptor: a.Descriptor}}
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
	if blobs := whole(t, l); blobs != 7 {
		t.Errorf("%d blobs", blobs)
	}
	if d := got[0].Descriptor; d.MediaType != types.OCIManifestSchema1 || d.Platform.String() != "linux/amd64" {
		t.Errorf("descriptor %v", d)
	}
}

// What is not whole, or says other things than it is, keeps all it has and gets no names.
func TestPruneRefuses(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(l *image.Layout, written image.Written) error{
		"oci-layout":         func(l *image.Layout, _ image.Written) error { return os.Remove(filepath.Join(l.Dir(), "oci-layout")) },
		"not in the layout":  func(_ *image.Layout, written image.Written) error { return os.Remove(written.Files[0]) },
		"bytes, not ":        func(_ *image.Layout, written image.Written) error { return os.Truncate(written.Files[0], 3) },
		"content has the":    func(_ *image.Layout, written image.Written) error { return flip(written.Files[3]) },
		"the digest sha256:": func(_ *image.Layout, written image.Written) error { return flip(written.Files[2]) },
		"of linux/arm64, its configuration of linux/amd64": func(l *image.Layout, _ image.Written) error {
			path := filepath.Join(l.Dir(), "index.json")
			data, err := os.ReadFile(path)
			return errors.Join(err, os.WriteFile(path, bytes.Replace(data, []byte(`"amd64"`), []byte(`"arm64"`), 1), 0o644))
		},
	} {
		l := image.NewLayout(t.TempDir())
		written, unused := imageOf(t, l, "linux/amd64"), layerOf(t, l, "unused")
		if err := l.WriteRoot(t.Context(), []ocilayout.Reference{{Name: ref, Descriptor: written.Descriptor}}); err != nil {
			t.Fatal(err)
		}
		if err := spoil(l, written); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Prune(t.Context()); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "image layout "+l.Dir()) {
			t.Errorf("error %v, want %s", err, want)
		}
		if _, err := os.Stat(l.Path(unused.Digest)); err != nil {
			t.Error(err)
		}
	}
}

// flip changes a byte of a file.
func flip(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	data[len(data)/2] ^= 1
	return os.WriteFile(path, data, 0o644)
}

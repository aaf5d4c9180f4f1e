package image_test

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"kubedist/pkg/image"
	"kubedist/pkg/ocilayout"
	"kubedist/pkg/tarball"
)

// reproduceIn names the directory in which a child of TestReproducible writes.
const reproduceIn = "IMAGE_TEST_REPRODUCE"

// everything writes one of each: a layer that takes several blocks of the compressor, images, an index, names and a tar.
func everything(t *testing.T, dir string) {
	l := image.NewLayout(dir + "/layout")
	index := fill(t, l, "linux/arm/v7", "linux/amd64")
	big := tarball.Archive{Root: true, Files: []tarball.File{{Name: "big", Source: tarball.Bytes(strings.Repeat("0123456789abcde\n", 200_000))}}}
	layer, err := l.WriteLayer(t.Context(), &big, tarball.Options{Time: stamp})
	if err != nil {
		t.Fatal(err)
	}
	written, err := l.WriteImage(t.Context(), image.Image{Platform: id(t, "linux/s390x"), Time: stamp, Layers: []image.Layer{layer}})
	if err != nil {
		t.Fatal(err)
	}
	refs := []ocilayout.Reference{{Name: ref, Descriptor: index.Descriptor}, {Name: "registry.example.org/a:1", Descriptor: written.Descriptor}}
	if err := l.WriteRoot(t.Context(), refs); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(dir+"/image.tar", os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := l.Tar(t.Context(), f, written.Descriptor, []string{ref}); err != nil {
		t.Fatal(err)
	}
}

// The same bytes and modes whatever the umask, the time zone, the locale and the number of cores.
func TestReproducible(t *testing.T) {
	if dir := os.Getenv(reproduceIn); dir != "" {
		syscall.Umask(0o077)
		everything(t, dir)
		return
	}
	t.Parallel()
	here, there := t.TempDir(), t.TempDir()
	everything(t, here)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestReproducible$")
	child.Env = append(os.Environ(), reproduceIn+"="+there, "TZ=Asia/Kathmandu", "LC_ALL=tr_TR.UTF-8", "GOMAXPROCS=1")
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want, got := tree(t, here), tree(t, there)
	if len(want) < 12 || !maps.Equal(want, got) {
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if got[name] != want[name] {
				t.Errorf("%s: %s and %s", name, short(want[name]), short(got[name]))
			}
		}
		t.Errorf("%d and %d files", len(want), len(got))
	}
}

// short tells contents apart.
func short(s string) string {
	return fmt.Sprintf("%.10s, %d bytes, %x", s, len(s), sha256.Sum256([]byte(s)))
}

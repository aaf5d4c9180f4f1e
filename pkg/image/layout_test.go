package image_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"kubedist/pkg/image"
)

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

package image_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"kubedist/pkg/image"
	"kubedist/pkg/ocilayout"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// readTar reads a tar into memory.
func readTar(t *testing.T, data []byte) (headers []*tar.Header, contents [][]byte) {
	t.Helper()
	tr := tar.NewReader(bytes.NewReader(data))
	for {
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return headers, contents
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		headers, contents = append(headers, header), append(contents, content)
	}
}

func put(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// whole sees that a layout has all that it names and nothing that is damaged, and counts its blobs.
func whole(t testing.TB, l *image.Layout) int {
	t.Helper()
	refs, err := l.References()
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range refs {
		if _, err := ocilayout.Layout(l.Dir()).Tree(ref.Descriptor); err != nil {
			t.Error(err)
		}
	}
	blobs, err := filepath.Glob(filepath.Join(l.Dir(), "blobs", "sha256", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range blobs {
		data, err := os.ReadFile(path)
		if err != nil || fmt.Sprintf("%x", sha256.Sum256(data)) != filepath.Base(path) {
			t.Errorf("%s is damaged: %v", path, err)
		}
	}
	return len(blobs)
}

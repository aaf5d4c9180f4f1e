package tarball_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"kubedist/pkg/tarball"
)

// A nested archive passes through the directory that its options name, and leaves nothing there.
func TestNestedUsesItsTempDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(tempDir string) error {
		inner := &tarball.Archive{Files: []tarball.File{{Name: "x", Source: tarball.Bytes("x")}}}
		outer := &tarball.Archive{Files: []tarball.File{{Name: "inner.tar.gz", Source: tarball.Nested{
			Archive: inner, Options: tarball.Options{Time: stamp, TempDir: tempDir},
		}}}}
		return outer.WriteGzip(t.Context(), io.Discard, tarball.Options{Time: stamp})
	}
	if err := write(dir); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
	if err := write(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v for a directory that does not exist", err)
	}
}

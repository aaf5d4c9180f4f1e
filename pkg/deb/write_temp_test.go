package deb_test

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"kubedist/pkg/deb"
)

// Contents in memory pass through the directory that the options name while the package is written, and no longer.
func TestWriteUsesItsTempDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seen := false
	w := writerFunc(func(p []byte) (int, error) {
		staged, err := filepath.Glob(filepath.Join(dir, "kubedist-deb-*"))
		seen = seen || len(staged) == 1
		return len(p), err
	})
	if err := deb.Write(t.Context(), w, node(t), deb.Options{TempDir: dir}); err != nil || !seen {
		t.Errorf("error %v, contents seen in the directory: %t", err, seen)
	}
	empty(t, dir)
	err := deb.Write(t.Context(), io.Discard, node(t), deb.Options{TempDir: filepath.Join(dir, "missing")})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "missing") {
		t.Errorf("error %v for a directory that does not exist", err)
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

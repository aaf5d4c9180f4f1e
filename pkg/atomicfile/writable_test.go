package atomicfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kubedist/pkg/atomicfile"
)

func TestCheckWritable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "a", "b"), "."} {
		if err := atomicfile.CheckWritable(path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range []string{file, filepath.Join(file, "below")} {
		if err := atomicfile.CheckWritable(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("the check left %q", got)
	}
	closed := filepath.Join(dir, "closed")
	if err := os.Mkdir(closed, 0o555); err != nil {
		t.Fatal(err)
	}
	err := atomicfile.CheckWritable(filepath.Join(closed, "new"))
	if os.Geteuid() == 0 { // whom no mode stops
		if err != nil {
			t.Errorf("the superuser: %v", err)
		}
	} else if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), closed) {
		t.Errorf("a directory without write permission: %v", err)
	}
}

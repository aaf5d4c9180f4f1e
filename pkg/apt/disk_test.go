package apt_test

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"kubedist/pkg/apt"
	"kubedist/pkg/deb/debtest"
	"kubedist/pkg/hint"
)

var errFull = &fs.PathError{Op: "write", Path: "tmp/9", Err: syscall.ENOSPC}

// fullDisk takes some bytes and no more.
type fullDisk struct{ left int }

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) > d.left {
		return d.left, errFull
	}
	d.left -= len(p)
	return len(p), nil
}

// TestCopyToFullDisk must not blame the package for an error of writing its copy, wherever in the package it happens.
func TestCopyToFullDisk(t *testing.T) {
	t.Parallel()
	file := debtest.Bytes(t, "kubeadm", "1.36.3-1.1", "amd64")
	for _, left := range []int{0, 70, len(file) - 1} {
		err := apt.ReadAndCopy(t.Context(), bytes.NewReader(file), &fullDisk{left})
		if !errors.Is(err, syscall.ENOSPC) || err.Error() != "copying into the archive: "+errFull.Error() {
			t.Errorf("room for %d bytes: %v", left, err)
		}
	}
	if err := apt.ReadAndCopy(t.Context(), bytes.NewReader(file), &fullDisk{len(file)}); err != nil {
		t.Errorf("room enough: %v", err)
	}
}

// TestFullDiskIsExplained fills the disk at each change of a publishing.
func TestFullDiskIsExplained(t *testing.T) {
	t.Parallel()
	file := newDeb(t, "kubeadm", "1.36.3-1.1", "amd64")
	for n := 1; ; n++ {
		a := newArchive(t)
		tx := a.begin()
		tx.FailAt(n, errFull)
		_, err := tx.Add(t.Context(), []string{file}, apt.AddOptions{Suites: []string{"v1.36"}})
		if err == nil {
			_, err = tx.Publish(t.Context(), a.options())
		}
		if closeErr := tx.Close(); closeErr != nil {
			t.Error(closeErr)
		}
		if err == nil {
			if n < 20 {
				t.Fatalf("publishing made %d changes to the disk, too few to be true", n)
			}
			return
		}
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(hint.Of(err), a.root) || strings.Count(err.Error(), a.root) != 1 {
			t.Fatalf("change %d: %v (hint %q)", n, err, hint.Of(err))
		}
	}
}

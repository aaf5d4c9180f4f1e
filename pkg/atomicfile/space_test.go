package atomicfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/hint"
)

// TestExplain gives errors about the disk what to do about them, and leaves all others alone.
func TestExplain(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		err  error
		hint string
	}{
		{&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, "free space on the file system of " + dir},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.EROFS}, "mount the file system of " + dir + " writable"},
		{fmt.Errorf("lock: %w", syscall.EROFS), "mount the file system of " + dir + " writable"},
		{hint.With(syscall.EROFS, "do something else"), "do something else"},
		{fs.ErrPermission, ""},
	} {
		got := atomicfile.Explain(dir, c.err)
		if !errors.Is(got, c.err) || !strings.HasPrefix(hint.Of(got), c.hint) || c.hint == "" && hint.Of(got) != "" {
			t.Errorf("%v: got %v with the hint %q, want the hint %q", c.err, got, hint.Of(got), c.hint)
		}
	}
	if err := atomicfile.Explain(dir, nil); err != nil {
		t.Errorf("nil: got %v", err)
	}
}

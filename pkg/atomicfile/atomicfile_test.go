package atomicfile_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/hint"
)

func ExampleWrite() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "Release")
	err = atomicfile.Write(path, 0o644, func(w io.Writer) error {
		_, err := io.WriteString(w, "Suite: stable\n")
		return err
	})
	content, _ := os.ReadFile(path)
	fmt.Printf("%v %s", err, content)
	// Output: <nil> Suite: stable
}

// names lists everything in dir.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWrite(t *testing.T) {
	t.Parallel()
	for _, mode := range []fs.FileMode{0o600, 0o644, 0o755, 0o777} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "file")
			for _, content := range []string{"old and rather long", "new"} {
				if err := atomicfile.WriteFile(path, []byte(content), mode); err != nil {
					t.Fatal(err)
				}
				if got := read(t, path); got != content {
					t.Errorf("content %q, want %q", got, content)
				}
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode() != mode {
				t.Errorf("mode %v, want %v whatever the umask", info.Mode(), mode)
			}
			if got := names(t, dir); !slices.Equal(got, []string{"file"}) {
				t.Errorf("directory holds %q", got)
			}
		})
	}
}

// While a file is being written the old content stays under its name.
func TestOldContentUntilCommit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := atomicfile.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := atomicfile.Create(path, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Abort()
	if _, err := io.WriteString(f, "new"); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != "old" {
		t.Errorf("before the commit: %q", got)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != "new" {
		t.Errorf("after the commit: %q", got)
	}
	if err := f.Commit(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("second commit: %v", err)
	}
	f.Abort()
	if got := read(t, path); got != "new" {
		t.Errorf("after an abort that came too late: %q", got)
	}
}

// The content names the file.
func TestCommitAs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := atomicfile.Create(filepath.Join(dir, "blob"), 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Abort()
	if _, err := io.WriteString(f, "content"); err != nil {
		t.Fatal(err)
	}
	if err := f.CommitAs("ed7002b4"); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"ed7002b4"}) {
		t.Errorf("directory holds %q", got)
	}
	if err := f.CommitAs("again"); !errors.Is(err, fs.ErrClosed) || !strings.Contains(err.Error(), "again") {
		t.Errorf("second commit: %v", err)
	}
}

func TestNothingLeftBehind(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	tests := map[string]func(path string) error{
		"fill fails": func(path string) error {
			return atomicfile.Write(path, 0o644, func(w io.Writer) error {
				_, _ = io.WriteString(w, "half")
				return boom
			})
		},
		"fill panics": func(path string) (err error) {
			defer func() { err = recover().(error) }()
			return atomicfile.Write(path, 0o644, func(w io.Writer) error {
				_, _ = io.WriteString(w, "half")
				panic(boom)
			})
		},
		"aborted": func(path string) error {
			f, err := atomicfile.Create(path, 0o644)
			if err != nil {
				return err
			}
			f.Abort()
			f.Abort()
			return boom
		},
	}
	for name, run := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "file")
			if err := atomicfile.WriteFile(path, []byte("old"), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := run(path); !errors.Is(err, boom) {
				t.Errorf("error %v, want %v", err, boom)
			}
			if got := read(t, path); got != "old" {
				t.Errorf("content %q, want the old one", got)
			}
			if got := names(t, dir); !slices.Equal(got, []string{"file"}) {
				t.Errorf("directory holds %q", got)
			}
		})
	}
}

func TestErrorsNameThePath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	occupied := filepath.Join(dir, "occupied")
	if err := os.MkdirAll(filepath.Join(occupied, "by"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "missing", "file"), occupied} {
		err := atomicfile.WriteFile(path, nil, 0o644)
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("writing %s: error %v does not name it", path, err)
		}
	}
	if got := names(t, dir); !slices.Equal(got, []string{"occupied"}) {
		t.Errorf("directory holds %q", got)
	}
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	err := atomicfile.Write(filepath.Join(dir, "file"), 0o644, func(io.Writer) error {
		return fmt.Errorf("compressing: %w", &fs.PathError{Op: "write", Path: "tmp", Err: syscall.ENOSPC})
	})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("error %v lost its cause", err)
	}
	if !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "MiB free)") {
		t.Errorf("error does not say what is full: %v", err)
	}
	if next := hint.Of(err); !strings.Contains(next, dir) {
		t.Errorf("hint %q does not name %s", next, dir)
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	running, err := atomicfile.Create(filepath.Join(dir, "running"), 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer running.Abort()
	leftovers := []string{atomicfile.Prefix + "1", atomicfile.Prefix + "2"}
	for _, name := range append([]string{"kept", ".kubedist"}, leftovers...) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, atomicfile.Prefix+"dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	removed, err := atomicfile.Clean(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(removed, leftovers) {
		t.Errorf("removed %q, want %q", removed, leftovers)
	}
	if err := running.Commit(); err != nil {
		t.Errorf("a file that was being written during the cleaning: %v", err)
	}
	want := []string{".kubedist", atomicfile.Prefix + "dir", "kept", "running"}
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("directory holds %q, want %q", got, want)
	}
	if removed, err := atomicfile.Clean(filepath.Join(dir, "missing")); err != nil || removed != nil {
		t.Errorf("missing directory: %q, %v", removed, err)
	}
}

// Writers and cleaners beside each other: every write succeeds and nothing is left.
func TestCleanBesideWriters(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stop := make(chan struct{})
	cleaned := make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				cleaned <- nil
				return
			default:
			}
			if _, err := atomicfile.Clean(dir); err != nil {
				cleaned <- err
				return
			}
		}
	}()
	for i := range 60 {
		if err := atomicfile.WriteFile(filepath.Join(dir, "file"), []byte(fmt.Sprint(i)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	if err := <-cleaned; err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"file"}) {
		t.Errorf("directory holds %q", got)
	}
}

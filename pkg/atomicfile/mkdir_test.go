//go:build unix

package atomicfile_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"kubedist/pkg/atomicfile"
)

// mkdirUnderUmask makes the test binary call MkdirAll in a process of its own, whose umask does not trouble other tests.
const mkdirUnderUmask = "ATOMICFILE_TEST_MKDIR"

func TestMkdirAllWhateverTheUmask(t *testing.T) {
	if path := os.Getenv(mkdirUnderUmask); path != "" {
		syscall.Umask(0o077)
		if err := atomicfile.MkdirAll(path); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Parallel()
	existing := filepath.Join(t.TempDir(), "existing")
	if err := os.Mkdir(existing, 0o700); err != nil {
		t.Fatal(err)
	}
	deep := filepath.Join(existing, "a", "b")
	child := exec.Command(os.Args[0], "-test.run=^TestMkdirAllWhateverTheUmask$")
	child.Env = append(os.Environ(), mkdirUnderUmask+"="+deep)
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for path, want := range map[string]fs.FileMode{existing: 0o700, filepath.Dir(deep): 0o755, deep: 0o755} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if !info.IsDir() || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode(), want)
		}
	}
}

func TestMkdirKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, link} {
		if made, err := atomicfile.Mkdir(path); made || err != nil {
			t.Errorf("%s: made %v, error %v", path, made, err)
		}
	}
	if made, err := atomicfile.Mkdir(filepath.Join(dir, "new")); !made || err != nil {
		t.Errorf("a new one: made %v, error %v", made, err)
	}
	if err := atomicfile.MkdirAll(filepath.Join(link, "new")); err != nil {
		t.Errorf("below a link: %v", err)
	}
}

func TestMkdirKeepsSetgid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, fs.ModeSetgid|0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "a", "b")
	if err := atomicfile.MkdirAll(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode()&fs.ModeSetgid == 0 {
		t.Errorf("mode %v lost the group that the parent hands down", info.Mode())
	}
}

func TestMkdirAllOverAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.MkdirAll(file); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), file) {
		t.Errorf("at a file: %v", err)
	}
	if err := atomicfile.MkdirAll(filepath.Join(file, "below")); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("below a file: %v", err)
	}
}

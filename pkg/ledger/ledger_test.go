package ledger

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// recorded makes a ledger over a directory with one recorded file, and returns the file's path.
func recorded(t *testing.T) (*Ledger, string) {
	t.Helper()
	root := t.TempDir()
	path := filepath.Join(root, "debs", "a.deb")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	l := New(root)
	files, err := l.Record(t.Context(), "package a/b", "key", []string{path})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 || files[0].Path != "debs/a.deb" || files[0].Size != 7 || !strings.HasPrefix(files[0].SHA256, "ed7002b4") {
		t.Fatalf("recorded %+v", files)
	}
	return l, path
}

func TestFresh(t *testing.T) {
	t.Parallel()
	later := time.Now().Add(time.Hour)
	for name, c := range map[string]struct {
		change func(path string) error
		step   string
		key    string
		want   bool
	}{
		"unchanged":             {func(string) error { return nil }, "package a/b", "key", true},
		"touched":               {func(p string) error { return os.Chtimes(p, later, later) }, "package a/b", "key", true},
		"another key":           {func(string) error { return nil }, "package a/b", "other", false},
		"another step":          {func(string) error { return nil }, "package b", "key", false},
		"step of the same file": {func(string) error { return nil }, "package a-b", "key", false},
		"removed":               {os.Remove, "package a/b", "key", false},
		"longer":                {func(p string) error { return os.WriteFile(p, []byte("content!"), 0o644) }, "package a/b", "key", false},
		"other bytes of the same size": {func(p string) error {
			if err := os.WriteFile(p, []byte("cantent"), 0o644); err != nil {
				return err
			}
			return os.Chtimes(p, later, later)
		}, "package a/b", "key", false},
		"a link": {func(p string) error {
			if err := os.Rename(p, p+".real"); err != nil {
				return err
			}
			return os.Symlink(p+".real", p)
		}, "package a/b", "key", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, path := recorded(t)
			if err := c.change(path); err != nil {
				t.Fatal(err)
			}
			files, ok := l.Fresh(t.Context(), c.step, c.key)
			if ok != c.want || ok && len(files) != 1 {
				t.Errorf("Fresh = %v, %v; want %v", files, ok, c.want)
			}
		})
	}
}

func TestFreshWantsThePaths(t *testing.T) {
	t.Parallel()
	l, path := recorded(t)
	if _, ok := l.Fresh(t.Context(), "package a/b", "key", path); !ok {
		t.Error("the recorded path is not fresh")
	}
	for _, paths := range [][]string{{path + "x"}, {path, path}} {
		if files, ok := l.Fresh(t.Context(), "package a/b", "key", paths...); ok {
			t.Errorf("asked for %v, got %v", paths, files)
		}
	}
	files, err := l.Files()
	if err != nil || len(files) != 1 || files[0] != "debs/a.deb" {
		t.Errorf("Files = %v, %v", files, err)
	}
	if files, err := New(t.TempDir()).Files(); err != nil || len(files) != 0 {
		t.Errorf("Files of an empty ledger = %v, %v", files, err)
	}
}

func TestDamagedEntry(t *testing.T) {
	t.Parallel()
	l, _ := recorded(t)
	entries, err := filepath.Glob(filepath.Join(l.Dir(), "steps", "*"))
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	for _, text := range []string{"", "{", `{"step":"package a/b","key":"key","files":[{"path":"../../etc/passwd","size":1}]}`} {
		if err := os.WriteFile(entries[0], []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if files, ok := l.Fresh(t.Context(), "package a/b", "key"); ok {
			t.Errorf("entry %q counts as fresh: %v", text, files)
		}
	}
}

func TestRecordRefusesForeignFiles(t *testing.T) {
	t.Parallel()
	l, _ := recorded(t)
	outside := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(outside, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Record(t.Context(), "s", "k", []string{outside}); err == nil || !strings.Contains(err.Error(), "not below") {
		t.Errorf("error %v", err)
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	if again := Key("a", 1); Key("a", 1) != again || Key("a", 1) == Key("a", 2) || Key("ab") == Key("a", "b") {
		t.Error("keys do not tell inputs apart")
	}
	if len(Key()) != 64 {
		t.Errorf("key %q", Key())
	}
}

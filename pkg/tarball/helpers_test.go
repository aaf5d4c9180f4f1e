package tarball_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/tarball"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// stamp is the time of everything in these tests.
var stamp = time.Date(2026, 7, 15, 12, 30, 45, 999, time.UTC)

// golden compares got with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it)\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

// pack writes the archive into memory.
func pack(t *testing.T, a *tarball.Archive, o tarball.Options) []byte {
	t.Helper()
	if o.Time.IsZero() {
		o.Time = stamp
	}
	var out bytes.Buffer
	if err := a.WriteGzip(t.Context(), &out, o); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// listing reads a tarball back, a line for each entry.
func listing(t *testing.T, data []byte) string {
	t.Helper()
	entries, err := tarball.List(t.Context(), bytes.NewReader(data), tarball.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for _, e := range entries {
		lines.WriteString(e.String() + "\n")
	}
	return lines.String()
}

// writeTree makes a directory of files (name to content); a name that ends in "*" becomes executable, content that
// begins with "->" a link.
func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		name, executable := strings.CutSuffix(name, "*")
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if target, isLink := strings.CutPrefix(content, "->"); isLink {
			if err := os.Symlink(target, path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		mode := os.FileMode(0o600)
		if executable {
			mode = 0o711
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

package source_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kubedist/pkg/hint"
	"kubedist/pkg/source"
)

func TestBuildSuite(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"v1.34.0-go1.24.6-bullseye.0", "bullseye"},
		{"v1.36.0-go1.26.5-bullseye.0\n", "bullseye"},
		{"v1.37.0-alpha.1-go1.27rc1-bookworm.12\n", "bookworm"},
		{"v1.34.0-go1.24.6", ""},
		{"v1.34.0-go1.24.6-../../etc.0", ""},
		{"", ""},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "VERSION"), []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := source.BuildSuite(&source.Tree{Name: "kubernetes", Dir: dir}, "VERSION")
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%q: suite %q, error %v; want %q", c.text, got, err, c.want)
		}
		if err != nil && (hint.Of(err) == "" || !strings.Contains(err.Error(), "VERSION says")) {
			t.Errorf("%q: error %v, hint %q", c.text, err, hint.Of(err))
		}
	}
	if _, err := source.BuildSuite(&source.Tree{Name: "kubernetes", Dir: t.TempDir()}, "VERSION"); err == nil {
		t.Error("a tree without the file has a suite")
	}
}

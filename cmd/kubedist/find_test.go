package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestFindPackagesInCycles walks a directory with links that lead round and round, and out of it.
func TestFindPackagesInCycles(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	real := filepath.Join(dir, "a", "x.deb")
	for _, file := range []string{real, filepath.Join(outside, "y.deb")} {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"a/up": "..", "a/self.deb": "self.deb", "out": outside, "dir.deb": "a"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if got, sources, err := findPackages([]string{dir, real}); err != nil || len(sources) > 0 || !slices.Equal(got, []string{real}) {
		t.Errorf("got %v, %v", got, err)
	}
}

package apt_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kubedist/pkg/apt"
)

func TestPreflight(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	missing := filepath.Join(t.TempDir(), "a", "public")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	a.publish(all, newDeb(t, "kubeadm", "1.36.3-1.1", "amd64"))
	damaged := copyTree(t, a.root)
	if err := os.Remove(filepath.Join(damaged, "dists/stable/InRelease")); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, a.root)
	for _, c := range []struct {
		name          string
		root          string
		suites, archs []string
		want          string // "": no error
	}{
		{"published", a.root, all, []string{"amd64", "arm64", "all"}, ""},
		{"not there yet", missing, all, []string{"amd64"}, ""},
		{"unknown suite", a.root, []string{"v1.99"}, nil, "suite v1.99: not in the archive's definition"},
		{"unknown architecture", a.root, nil, []string{"amd64", "s390x"}, "architecture s390x is none of the archive's"},
		{"a file", file, nil, nil, file + " is no directory"},
		{"below a file", filepath.Join(file, "public"), nil, nil, file},
		{"damaged", damaged, all, nil, "suite stable: InRelease: missing beside Release"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := apt.Preflight(t.Context(), apt.Options{Root: c.root, Definition: a.def}, c.suites, c.archs)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if !maps.Equal(before, snapshot(t, a.root)) {
		t.Error("the tree changed")
	}
	if _, err := os.Stat(filepath.Dir(missing)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the root's parent was made: %v", err)
	}
	if err := apt.Preflight(cancelled(), apt.Options{Root: a.root, Definition: a.def}, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// TestPreflightBesideAWriter passes while someone else changes the archive.
func TestPreflightBesideAWriter(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	tx := a.begin()
	defer tx.Close()
	if err := apt.Preflight(t.Context(), apt.Options{Root: a.root, Definition: a.def}, all, nil); err != nil {
		t.Error(err)
	}
}

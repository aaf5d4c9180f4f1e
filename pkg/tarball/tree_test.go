package tarball_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kubedist/pkg/tarball"
)

func TestAddTree(t *testing.T) {
	t.Parallel()
	root := writeTree(t, map[string]string{
		"go.mod":                "module m\n",
		"hack/build.sh*":        "#!/bin/sh\n",
		"hack.txt":              "x",
		"vendor/k8s.io/api":     "->../../staging/api/",
		"staging/api/types.go":  "package api\n",
		"staging/api/self":      "->./types.go",
		".git/config":           "[core]\n",
		"docs/later.md":         "->missing.md",
		"_output/bin/kubectl*":  "x",
		"testdata/skipped.orig": "x",
	})
	if err := os.Mkdir(filepath.Join(root, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	var a tarball.Archive
	err := a.AddTree(t.Context(), root, func(name string, d fs.DirEntry) bool {
		return name != ".git" && name != "_output" && !strings.HasSuffix(name, ".orig")
	})
	if err != nil {
		t.Fatal(err)
	}
	a.AddPrefix("kubernetes")
	golden(t, "tree.txt", listing(t, pack(t, &a, tarball.Options{})))
}

func TestAddTreeRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ name, target, want string }{
		"absolute link":     {"l", "/etc/passwd", "link l leads to /etc/passwd, outside"},
		"link above":        {"d/l", "../../x", "link d/l leads to ../../x, outside"},
		"way through links": {"l", "d/../x", "link l leads to d/../x, outside"},
		"many ups":          {"l", "../../../..", "link l leads to"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := writeTree(t, map[string]string{test.name: "->" + test.target})
			var a tarball.Archive
			err := a.AddTree(t.Context(), root, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), root) {
				t.Errorf("error %v lacks %q or the tree's name", err, test.want)
			}
			if len(a.Files) != 0 {
				t.Errorf("%d files added", len(a.Files))
			}
		})
	}
	t.Run("pipe", func(t *testing.T) {
		t.Parallel()
		root := t.TempDir()
		if out, err := exec.CommandContext(t.Context(), "mkfifo", filepath.Join(root, "pipe")).CombinedOutput(); err != nil {
			t.Fatalf("mkfifo: %v %s", err, out)
		}
		var a tarball.Archive
		if err := a.AddTree(t.Context(), root, nil); err == nil || !strings.Contains(err.Error(), "pipe is neither file, directory nor link") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("missing", func(t *testing.T) {
		t.Parallel()
		var a tarball.Archive
		if err := a.AddTree(t.Context(), filepath.Join(t.TempDir(), "gone"), nil); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var a tarball.Archive
		if err := a.AddTree(ctx, writeTree(t, map[string]string{"a": ""}), nil); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

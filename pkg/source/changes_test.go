package source

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestChanges(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"go.mod": "module example.org/x\n", "main.go": "package main // a\n", "doc/readme.txt": "read me\n", "vendor/example.org/y/y.go": "package y\n",
	}
	reference := &Tree{Name: "x", Dir: t.TempDir(), Origin: OriginProxy}
	writeFiles(t, reference.Dir, files)
	for name, c := range map[string]struct {
		origin string
		change func(t *testing.T, dir string)
		want   []string
	}{
		"nothing":        {OriginProxy, func(*testing.T, string) {}, nil},
		"comment":        {OriginProxy, write("main.go", "package main // b\n"), []string{"main.go"}},
		"longer":         {OriginDirectory, write("vendor/example.org/y/y.go", "package y // y\n"), []string{"vendor/example.org/y/y.go"}},
		"added":          {OriginDirectory, write("vendor/example.org/y/z.go", "package y\n"), []string{"vendor/example.org/y/z.go"}},
		"added test":     {OriginDirectory, write("main_test.go", "package main\n"), nil},
		"more than it":   {OriginDirectory, write("test/e2e/e2e.go", "package e2e\n"), nil},
		"go.mod of user": {OriginDirectory, write("go.mod", "module example.org/x \n"), nil},
		"go.mod of ours": {OriginProxy, write("go.mod", "module example.org/x \n"), []string{"go.mod"}},
		"removed":        {OriginProxy, func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "doc", "readme.txt"))) }, []string{"doc/readme.txt"}},
		"linked": {OriginProxy, func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, "main.go")), os.Symlink("doc", filepath.Join(dir, "main.go")))
		}, []string{"main.go"}},
		"of git": {OriginDirectory, write(".git/x.go", "x"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := &Tree{Name: "x", Dir: t.TempDir(), Origin: c.origin}
			writeFiles(t, tree.Dir, files)
			c.change(t, tree.Dir)
			got, err := Changes(t.Context(), tree, reference)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("changed are %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func write(name, text string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		writeFiles(t, dir, map[string]string{name: text})
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

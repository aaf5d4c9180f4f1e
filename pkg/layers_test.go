// Package pkg_test pins how the packages of kubedist lie upon each other.
package pkg_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers lists the packages from the top down. A package may import those below it and none else of kubedist. Who adds
// a package gives it a place here.
var layers = []string{
	"release",
	"manifestlist",
	"closure", "imagebase",
	"registry",
	"bucket",
	"apt",
	"page",
	"provenance", "sbom", "changes",
	"image",
	"ocilayout",
	"tarball",
	"published", "bindiff",
	"build", "source", "gocmd", "gitshim",
	"buildroot", "debroot", "mirror", "imprint",
	"spec", "platform",
	"deb", "deb822",
	"gnupg", "rotation",
	"openpgp",
	"ledger", "checksum", "atomicfile", "progress", "process", "hint", "wait", "yamlfile",
}

func TestImportsRunDownward(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "testdata" {
			return fs.SkipDir
		}
		dir, _, _ := strings.Cut(name, "/")
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		seen[dir] = true
		from := slices.Index(layers, dir)
		if from < 0 {
			t.Errorf("package %s has no place among the layers", dir)
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range file.Imports {
			imported, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			if imported == "kubedist/cmd" || strings.HasPrefix(imported, "kubedist/cmd/") {
				t.Errorf("%s imports a command", name)
			}
			inside, ok := strings.CutPrefix(imported, "kubedist/pkg/")
			if !ok {
				continue
			}
			layer, _, _ := strings.Cut(inside, "/")
			if to := slices.Index(layers, layer); to <= from {
				t.Errorf("%s imports %s, which lies above it", name, imported)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range layers {
		if !seen[layer] {
			t.Errorf("layer %s has no package", layer)
		}
	}
}

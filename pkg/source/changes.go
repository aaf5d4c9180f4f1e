package source

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Changes returns the files, slash-separated below the tree and sorted, in which tree is another than reference, a tree of
// the same version: those with other bytes, those that are missing, and of those that only tree has the ones that are
// compiled. A checkout may have more than a module of the same commit holds: tests of vendored packages, scripts, licences.
//
// go.mod, go.work and vendor/modules.txt at the top of a directory of the user are passed over: in a tree from the module
// proxy kubedist wrote them.
func Changes(ctx context.Context, tree, reference *Tree) ([]string, error) {
	changed, err := changes(ctx, tree, reference)
	if err != nil {
		return nil, fmt.Errorf("comparing the source of %s: %w", tree.Name, err)
	}
	slices.Sort(changed)
	return changed, nil
}

func changes(ctx context.Context, tree, reference *Tree) ([]string, error) {
	var changed []string
	err := walkFiles(ctx, reference.Dir, func(name string) error {
		if tree.Origin == OriginDirectory && (name == "go.mod" || name == "go.work" || name == "vendor/modules.txt") {
			return nil
		}
		same, err := sameFile(filepath.Join(tree.Dir, filepath.FromSlash(name)), filepath.Join(reference.Dir, filepath.FromSlash(name)))
		if err == nil && !same {
			changed = append(changed, name)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return changed, walkFiles(ctx, tree.Dir, func(name string) error {
		// A directory that the reference has not is no package that it compiles.
		beside := filepath.Join(reference.Dir, filepath.FromSlash(path.Dir(name)))
		if isCompiled(name) && exists(beside) && !exists(filepath.Join(beside, path.Base(name))) {
			changed = append(changed, name)
		}
		return nil
	})
}

// isCompiled tells whether the go command compiles a file of this name.
func isCompiled(name string) bool {
	return slices.Contains([]string{".go", ".s", ".c", ".h", ".S", ".syso"}, path.Ext(name)) && !strings.HasSuffix(name, "_test.go")
}

// walkFiles calls visit for every regular file of a tree, by its slash-separated name.
func walkFiles(ctx context.Context, dir string, visit func(name string) error) error {
	return filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
		below, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		switch below = filepath.ToSlash(below); {
		case entry.IsDir() && !isSource(below):
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		return visit(below)
	})
}

// maxSourceFile bounds one file of a source tree in bytes; the largest of Kubernetes has 20 MB.
const maxSourceFile = 256 << 20

// sameFile tells whether two files hold the same bytes. A file that is not there is not the same as any.
func sameFile(a, b string) (bool, error) {
	infoA, err := os.Stat(a)
	if err != nil || !infoA.Mode().IsRegular() {
		return false, nil //nolint:nilerr // whatever it is, it is not the file
	}
	infoB, err := os.Stat(b)
	if err != nil {
		return false, err
	}
	if infoA.Size() != infoB.Size() {
		return false, nil
	}
	dataA, err := readBounded(a, maxSourceFile)
	if err != nil {
		return false, err
	}
	dataB, err := readBounded(b, maxSourceFile)
	return bytes.Equal(dataA, dataB), err
}

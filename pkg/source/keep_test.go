package source

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// kept lists the files that a tree's filter keeps, sorted.
func kept(t *testing.T, tree *Tree) []string {
	t.Helper()
	keep, err := tree.Keep(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	err = fs.WalkDir(os.DirFS(tree.Dir), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || name == ".":
			return err
		case !keep(name, d) && d.IsDir():
			return fs.SkipDir
		case !keep(name, d) || d.IsDir():
			return nil
		}
		names = append(names, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestKeepOfCheckout(t *testing.T) {
	t.Parallel()
	r := newRepository(t, smallTree(t))
	writeFiles(t, r.dir, map[string]string{
		".gitignore": "_output\n*.key\nprivate/\n", "a dir/ünïcode\tand \"quotes\"": "x", "forced.key": "tracked although it is ignored",
	})
	if err := os.Symlink("cmd", filepath.Join(r.dir, "link")); err != nil {
		t.Fatal(err)
	}
	module := newRepository(t, mustMkdir(t, r.dir, "module"))
	writeFiles(t, module.dir, map[string]string{"other.go": "package other\n"})
	module.commit()
	r.git("add", "-f", "forced.key")
	r.commit("v1.36.3") // the nested repository becomes a submodule
	want := strings.Split(strings.TrimSuffix(r.git("ls-files", "-z"), "\x00"), "\x00")
	want = slices.DeleteFunc(want, func(name string) bool { return name == "module" })
	// WalkDir is sorted by element, git by byte.
	slices.Sort(want)

	writeFiles(t, r.dir, map[string]string{"signing.key": "secret", "private/token": "secret", "_output/x": "x"})
	o := Options{Module: "k8s.io/kubernetes", Directory: r.dir, Environ: gitUser()}
	clean := mustOpen(t, o)
	check := func(tree *Tree, state string) {
		t.Helper()
		got := kept(t, tree)
		slices.Sort(got)
		if tree.Stamp.TreeState != state || !slices.Equal(got, want) {
			t.Errorf("%s tree keeps %q, want the %s one with %q", tree.Stamp.TreeState, got, state, want)
		}
	}
	check(clean, StateClean)
	writeFiles(t, r.dir, map[string]string{"notes.txt": "not known to git"})
	check(mustOpen(t, o), StateDirty)
}

func mustMkdir(t *testing.T, parent, name string) string {
	t.Helper()
	dir := filepath.Join(parent, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Every file that is kept of a tree without commit to go by is in its digest.
func TestKeptFilesAreInTheDigest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		prepare func(dir string)
	}{
		{"unpacked", func(string) {}},
		{"dirty", func(dir string) {
			r := newRepository(t, dir)
			r.commit("v1.36.2")
			writeFiles(t, dir, map[string]string{"new": "x"})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := smallTree(t)
			writeFiles(t, dir, map[string]string{"_output/x": "x"})
			c.prepare(dir)
			tree := mustOpen(t, Options{
				Module: "k8s.io/kubernetes", Directory: dir, Version: "v1.36.2-dirty", BuildDate: buildDate, Environ: gitUser(),
			})
			names := kept(t, tree)
			if len(names) < 10 || slices.Contains(names, "_output/x") {
				t.Fatalf("kept are %q", names)
			}
			for _, name := range names {
				file := filepath.Join(dir, name)
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				before := digestOf(t, dir)
				if err := os.WriteFile(file, append(bytes.Clone(data), ' '), 0o644); err != nil {
					t.Fatal(err)
				}
				if digestOf(t, dir) == before {
					t.Errorf("%s is not in the digest", name)
				}
				if err := os.WriteFile(file, data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestKeepOfProxyTree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"_output/x": "x", "vendor/modules.txt": "x"})
	if err := os.Mkdir(filepath.Join(dir, ".git"), 0o755); err != nil { // by a build, see gitshim.Prepare
		t.Fatal(err)
	}
	if got := kept(t, &Tree{Dir: dir, Origin: OriginProxy}); !slices.Equal(got, []string{"_output/x", "vendor/modules.txt"}) {
		t.Errorf("kept are %q", got)
	}
}

func TestKeepStops(t *testing.T) {
	t.Parallel()
	r := newRepository(t, smallTree(t))
	r.commit("v1.36.3")
	tree := mustOpen(t, Options{Module: "k8s.io/kubernetes", Directory: r.dir, Environ: gitUser()})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tree.Keep(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

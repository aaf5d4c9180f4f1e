package gitshim_test

import (
	"bytes"
	"debug/buildinfo"
	"errors"
	"go/version"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"kubedist/pkg/gitshim"
	"kubedist/pkg/gocmd"
)

// releases returns the go commands to test with, by their release: the one on the PATH, and the newest of each other
// line that the module cache holds.
func releases(t *testing.T) map[string]*gocmd.Go {
	t.Helper()
	installed, err := gocmd.New(t.Context(), gocmd.Options{Toolchain: gocmd.Local, Environ: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	name, err := installed.Version(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	newest := map[string]string{}
	cache, err := installed.Var(t.Context(), t.TempDir(), "GOMODCACHE")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := filepath.Glob(filepath.Join(cache, "golang.org", "toolchain@v0.0.1-go*."+runtime.GOOS+"-"+runtime.GOARCH))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range kept {
		_, release, _ := strings.Cut(filepath.Base(dir), "-")
		release = strings.TrimSuffix(release, "."+runtime.GOOS+"-"+runtime.GOARCH)
		line := version.Lang(release)
		if version.Compare(line, "go1.24") >= 0 && line != version.Lang(name) && version.Compare(release, newest[line]) > 0 {
			newest[line] = release
		}
	}
	all := map[string]*gocmd.Go{name: installed}
	for _, release := range newest {
		path := filepath.Join(cache, "golang.org", "toolchain@v0.0.1-"+release+"."+runtime.GOOS+"-"+runtime.GOARCH, "bin", "go")
		if all[release], err = gocmd.New(t.Context(), gocmd.Options{Path: path, Toolchain: gocmd.Local, Environ: os.Environ()}); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// build compiles the program in dir and returns its file.
func build(t *testing.T, g *gocmd.Go, dir string, env ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "program")
	err := g.Run(t.Context(), gocmd.Command{Dir: dir, Args: []string{"build", "-trimpath", "-buildvcs=true", "-o", name, "."}, Env: append([]string{"CGO_ENABLED=0"}, env...)})
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// Every Go release at hand stamps a tree without a checkout as it stamps a checkout of the same commit: the programs are
// the same bytes.
func TestBuild(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles with several Go releases")
	}
	repository := tree(t)
	s := checkout(t, repository)
	for release, g := range releases(t) {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			// The tree is named by a link, which go would meet as another directory than the module's.
			link := filepath.Join(t.TempDir(), "link")
			if err := os.Symlink(tree(t), link); err != nil {
				t.Fatal(err)
			}
			shim := prepare(t, link, s)
			built := build(t, g, shim.Tree(), shim.Env(g.Environ())...)
			if err := errors.Join(shim.Check(), shim.CheckBinary(built)); err != nil {
				t.Error(err)
			}

			info, err := buildinfo.ReadFile(built)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{"go": info.GoVersion, "mod": info.Main.Path + " " + info.Main.Version}
			for _, setting := range info.Settings {
				got[setting.Key] = setting.Value
			}
			for key, want := range map[string]string{
				"go": release, "mod": "example.org/tree v1.34.0",
				"vcs": "git", "vcs.revision": s.Commit, "vcs.time": "2025-08-27T10:09:04Z", "vcs.modified": "false",
			} {
				if got[key] != want {
					t.Errorf("%s is %q, want %q", key, got[key], want)
				}
			}

			theirs := build(t, g, repository)
			if a, b := read(t, built), read(t, theirs); !bytes.Equal(a, b) {
				t.Errorf("the programs differ: %d bytes with the stand-in, %d with git", len(a), len(b))
			}
			if err := shim.CheckBinary(theirs); err != nil {
				t.Errorf("built by git: %v", err)
			}
		})
	}
}

// go says nothing when it gets no answer about the module's version. Both checks do.
func TestBuildWithUnknownQuestion(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles")
	}
	shim := prepare(t, tree(t), stamp())
	g, err := gocmd.New(t.Context(), gocmd.Options{Toolchain: gocmd.Local, Environ: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	built := build(t, g, shim.Tree(), append(shim.Env(g.Environ()), forget+"=--no-decorate")...)
	if err := shim.Check(); !errors.Is(err, gitshim.ErrUnanswered) || !strings.Contains(err.Error(), "--no-decorate") {
		t.Errorf("Check says %v", err)
	}
	err = shim.CheckBinary(built)
	if !errors.Is(err, gitshim.ErrNotStamped) || !strings.Contains(err.Error(), "version of example.org/tree") || strings.Contains(err.Error(), "vcs.revision") {
		t.Errorf("CheckBinary says %v", err)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

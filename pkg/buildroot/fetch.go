package buildroot

import (
	"context"
	"errors"
	"path/filepath"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/debroot"
	"kubedist/pkg/progress"
	"kubedist/pkg/spec"
)

// recipe is the version of how roots are unpacked. It goes into their names: raise it when the same tool chain gives a
// different root.
const recipe = "1"

// Options say which root to make, and from where.
type Options struct {
	Toolchain spec.Toolchain
	// CacheDir is where roots are kept, in its subdirectory "toolchains".
	CacheDir string
	// Mirror is the URL of a Debian mirror; "" takes the one that apt uses whose configuration lies in Config.
	Mirror, Config string
	// Reporter hears of the work, which is one task, called by the suite; nil for nobody.
	Reporter progress.Reporter
}

// Fetch returns the root of a tool chain. One that the cache does not have is made: its packages are fetched that the
// cache does not have either, and unpacked. When ctx ends, or the process does, packages that were fetched stay, so that
// the next Fetch goes on from there; a root is there whole or not at all. Errors that the user can do something about
// carry a hint.
func Fetch(ctx context.Context, o Options) (*Root, error) {
	root, err := Open(o.Toolchain, o.CacheDir)
	if !errors.Is(err, ErrNotFetched) {
		return root, err
	}
	_, err = debroot.Fetch(ctx, debroot.Options{
		Dir: storeIn(o.CacheDir), Name: name(o.Toolchain), What: "tool chain " + o.Toolchain.Suite, Task: o.Toolchain.Suite, Suite: o.Toolchain.Suite,
		Packages: o.Toolchain.Locked, Excludes: o.Toolchain.Excludes,
		Finish: func(dir string, t *debroot.Tree) error { return finish(o.Toolchain, dir, t) },
		Mirror: o.Mirror, Config: o.Config, Reporter: o.Reporter,
	})
	if err != nil {
		return nil, err
	}
	return Open(o.Toolchain, o.CacheDir)
}

// storeIn is where a cache has its roots.
func storeIn(cache string) string { return filepath.Join(cache, "toolchains") }

func name(t spec.Toolchain) string { return recipe + "-" + t.Digest() }

// finish adds what no package has, and a place for mounts beside the root.
func finish(tc spec.Toolchain, dir string, t *debroot.Tree) error {
	const name = "(the tool chain's own)"
	for _, d := range tc.Directories {
		if err := t.Mkdir(name, d); err != nil {
			return err
		}
	}
	for _, l := range tc.Links {
		if err := t.Symlink(name, l.Path, l.To); err != nil {
			return err
		}
	}
	_, err := atomicfile.Mkdir(filepath.Join(dir, "mount"))
	return err
}

package buildroot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/spec"
)

// lockRetry is how often Fetch asks for the lock of a root that another process makes.
const lockRetry = 100 * time.Millisecond

// store is the cache of roots.
//
//	toolchains/DIGEST/root/      the files of a root, complete since the directory above has this name
//	toolchains/DIGEST/mount/     an empty directory
//	toolchains/DIGEST.lock       held while the root is made
//	toolchains/tmp-DIGEST-…/     a root being made; removed by the next one to hold the lock
//	toolchains/debs/SHA256.deb   packages, each complete since it has this name
type store struct{ dir string }

// recipe is the version of how roots are unpacked. It goes into their names: raise it when the same tool chain gives a
// different root.
const recipe = "1"

func storeIn(cache string) (store, error) {
	dir, err := filepath.Abs(cache)
	return store{filepath.Join(dir, "toolchains")}, err
}

func name(t spec.Toolchain) string { return recipe + "-" + t.Digest() }

func (s store) root(t spec.Toolchain) *Root {
	return &Root{suite: t.Suite, dir: filepath.Join(s.dir, name(t))}
}

func (s store) deb(p spec.Locked) string { return filepath.Join(s.dir, "debs", p.SHA256+".deb") }

// lock makes this process the only one that makes a root, and clears away what a killed one left of it.
func (s store) lock(ctx context.Context, t spec.Toolchain) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Join(s.dir, "debs"), 0o755); err != nil {
		return nil, fmt.Errorf("making the cache of tool chains: %w", atomicfile.Explain(filepath.Dir(s.dir), err))
	}
	lock := flock.New(filepath.Join(s.dir, name(t)+".lock"))
	if _, err := lock.TryLockContext(ctx, lockRetry); err != nil {
		return nil, fmt.Errorf("locking the tool chain in the cache: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(s.dir, "tmp-"+name(t)+"-*"))
	for _, dir := range left {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err == nil {
		_, err = atomicfile.Clean(filepath.Join(s.dir, "debs"))
	}
	if err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("removing an unfinished tool chain: %w", err)
	}
	return func() { _ = lock.Close() }, nil
}

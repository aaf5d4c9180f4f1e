package debroot

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

// store is a directory of roots.
//
//	NAME/root/        the files of a root, complete since the directory above has this name
//	NAME/…            what else the caller puts beside them
//	NAME.lock         held while the root is made
//	tmp-NAME-…/       a root being made; removed by the next one to hold the lock
//	debs/SHA256.deb   packages, each complete since it has this name
type store struct{ dir string }

func storeIn(dir string) (store, error) {
	dir, err := filepath.Abs(dir)
	return store{dir}, err
}

func (s store) root(name string) string { return filepath.Join(s.dir, name) }

func (s store) deb(p spec.Locked) string { return filepath.Join(s.dir, "debs", p.SHA256+".deb") }

// lock makes this process the only one that makes a root, and clears away what a killed one left of it.
func (s store) lock(ctx context.Context, o Options) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Join(s.dir, "debs"), 0o755); err != nil {
		return nil, fmt.Errorf("making the cache of %s: %w", o.What, atomicfile.Explain(filepath.Dir(s.dir), err))
	}
	lock := flock.New(filepath.Join(s.dir, o.Name+".lock"))
	if _, err := lock.TryLockContext(ctx, lockRetry); err != nil {
		return nil, fmt.Errorf("locking %s in the cache: %w", o.What, err)
	}
	left, err := filepath.Glob(filepath.Join(s.dir, "tmp-"+o.Name+"-*"))
	for _, dir := range left {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err == nil {
		_, err = atomicfile.Clean(filepath.Join(s.dir, "debs"))
	}
	if err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("removing what is unfinished of %s: %w", o.What, err)
	}
	return func() { _ = lock.Close() }, nil
}

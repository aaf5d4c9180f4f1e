package debroot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/hint"
	"kubedist/pkg/mirror"
	"kubedist/pkg/spec"
)

// downloads is how many packages are asked for at a time.
const downloads = 4

// Fetch returns the directory of a root, absolute: its files are in the directory "root" of it. A root that the store does
// not have is made: its packages are fetched that the store does not have either, and unpacked. When ctx ends, or the
// process does, packages that were fetched stay, so that the next Fetch goes on from there; a root is there whole or not
// at all. Errors begin with o.What; those that the user can do something about carry a hint.
func Fetch(ctx context.Context, o Options) (string, error) {
	s, err := storeIn(o.Dir)
	if err != nil {
		return "", err
	}
	if dir, err := Open(o.Dir, o.Name); !errors.Is(err, ErrNotFetched) {
		return dir, err
	}
	unlock, err := s.lock(ctx, o)
	if err != nil {
		return "", err
	}
	defer unlock()
	if dir, err := Open(o.Dir, o.Name); !errors.Is(err, ErrNotFetched) { // another process may have made it meanwhile
		return dir, err
	}
	meter := newMeter(o)
	if err := s.make(ctx, o, meter); err != nil {
		err = fmt.Errorf("%s: %w", o.What, atomicfile.Explain(s.dir, err))
		meter.task.Fail(err)
		return "", err
	}
	meter.task.Done(fmt.Sprintf("%d packages", len(o.Packages)))
	return s.root(o.Name), nil
}

// make makes a root and gives it its place in the store.
func (s store) make(ctx context.Context, o Options, meter *meter) error {
	work, err := os.MkdirTemp(s.dir, "tmp-"+o.Name+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil { // MkdirTemp makes it the user's alone
		return err
	}
	if _, err := atomicfile.Mkdir(filepath.Join(work, "root")); err != nil {
		return err
	}
	t, err := newTree(filepath.Join(work, "root"), o.Excludes)
	if err != nil {
		return err
	}
	defer t.close()
	if err := s.packages(ctx, o, t, meter); err != nil {
		return err
	}
	if o.Finish != nil {
		if err := o.Finish(work, t); err != nil {
			return err
		}
	}
	if err := atomicfile.SyncTree(work); err != nil {
		return fmt.Errorf("writing the root to disk: %w", err)
	}
	if err := os.Rename(work, s.root(o.Name)); err != nil {
		return fmt.Errorf("placing the root: %w", err)
	}
	return atomicfile.SyncDir(s.dir)
}

// packages fetches and unpacks all packages beside each other, the largest first, for the last ones to be short.
func (s store) packages(ctx context.Context, o Options, t *Tree, meter *meter) error {
	var from *mirror.Mirror
	missing := slices.ContainsFunc(o.Packages, func(p spec.Locked) bool { return !s.has(p) })
	if missing {
		var err error
		if from, err = mirror.Open(o.Mirror, o.Config); err != nil {
			return err
		}
	}
	cores := runtime.GOMAXPROCS(0)
	network, cpu := semaphore.NewWeighted(downloads), semaphore.NewWeighted(int64(cores))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(downloads + cores)
	for _, p := range slices.SortedFunc(slices.Values(o.Packages), func(a, b spec.Locked) int { return cmp.Compare(b.Size, a.Size) }) {
		if groupCtx.Err() != nil {
			break
		}
		group.Go(func() error {
			if !s.has(p) {
				if err := limited(groupCtx, network, func() error { return s.download(groupCtx, o.Suite, from, p) }); err != nil {
					return err
				}
			}
			err := limited(groupCtx, cpu, func() error { return s.unpack(groupCtx, o, t, p) })
			if err == nil {
				meter.add(p.Size)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// limited does the work when there is room for it.
func limited(ctx context.Context, room *semaphore.Weighted, work func() error) error {
	if err := room.Acquire(ctx, 1); err != nil {
		return err
	}
	defer room.Release(1)
	return work()
}

// has reports whether the cache has a package, as far as its size tells; unpack looks at all of it.
func (s store) has(p spec.Locked) bool {
	info, err := os.Lstat(s.deb(p))
	return err == nil && info.Mode().IsRegular() && info.Size() == p.Size
}

// download brings a package into the cache.
func (s store) download(ctx context.Context, suite string, from *mirror.Mirror, p spec.Locked) error {
	var f *atomicfile.File
	defer func() {
		if f != nil {
			f.Abort()
		}
	}()
	err := from.Fetch(ctx, mirror.File{Path: p.Path, Size: p.Size, SHA256: p.SHA256}, func() (w io.Writer, err error) {
		if f != nil {
			f.Abort()
		}
		f, err = atomicfile.Create(s.deb(p), 0o644)
		return f, err
	})
	switch {
	case errors.Is(err, mirror.ErrGone):
		err = hint.With(err, fmt.Sprintf("the mirror has no %s any more, or has another version of this package: name a mirror that keeps old versions, such as one of the snapshot archive, with --debian-mirror", suite))
	case errors.Is(err, mirror.ErrOther):
		err = hint.With(err, "do not trust this mirror: name another one with --debian-mirror")
	}
	if err != nil {
		return fmt.Errorf("package %s %s: %w", p.Package, p.Version, err)
	}
	return f.Commit()
}

// unpack unpacks a package of the cache. One that is damaged is removed, for the next Fetch to fetch it again.
func (s store) unpack(ctx context.Context, o Options, t *Tree, p spec.Locked) error {
	f, err := os.Open(s.deb(p))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := t.unpack(ctx, f, p)
	if err == nil && o.Unpacked != nil {
		err = o.Unpacked(t, info)
	}
	if errors.Is(err, errDamaged) {
		if err := os.Remove(s.deb(p)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		err = hint.With(err, "run the same command again: the package is fetched once more")
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("package %s %s: %w", p.Package, p.Version, err)
	}
	return err
}

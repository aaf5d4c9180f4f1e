package buildroot

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
	"kubedist/pkg/progress"
	"kubedist/pkg/spec"
)

// downloads is how many packages are asked for at a time.
const downloads = 4

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
	s, err := storeIn(o.CacheDir)
	if err != nil {
		return nil, err
	}
	unlock, err := s.lock(ctx, o.Toolchain)
	if err != nil {
		return nil, err
	}
	defer unlock()
	root, err = Open(o.Toolchain, o.CacheDir) // another process may have made it while this one waited
	if !errors.Is(err, ErrNotFetched) {
		return root, err
	}
	meter := newMeter(o.Reporter, o.Toolchain)
	if err := s.make(ctx, o, meter); err != nil {
		err = fmt.Errorf("tool chain %s: %w", o.Toolchain.Suite, atomicfile.Explain(s.dir, err))
		meter.task.Fail(err)
		return nil, err
	}
	meter.task.Done(fmt.Sprintf("%d packages", len(o.Toolchain.Locked)))
	return Open(o.Toolchain, o.CacheDir)
}

// make makes a root and gives it its place in the cache.
func (s store) make(ctx context.Context, o Options, meter *meter) error {
	work, err := os.MkdirTemp(s.dir, "tmp-"+name(o.Toolchain)+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	for _, dir := range []string{work, filepath.Join(work, "root"), filepath.Join(work, "mount")} {
		if _, err := atomicfile.Mkdir(dir); err != nil {
			return err
		}
	}
	t, err := newTree(filepath.Join(work, "root"), o.Toolchain)
	if err != nil {
		return err
	}
	defer t.close()
	if err := s.packages(ctx, o, t, meter); err != nil {
		return err
	}
	if err := t.finish(); err != nil {
		return err
	}
	if err := os.Chmod(work, 0o755); err != nil { // MkdirTemp makes it the user's alone
		return err
	}
	if err := atomicfile.SyncTree(work); err != nil {
		return fmt.Errorf("writing the root to disk: %w", err)
	}
	if err := os.Rename(work, s.root(o.Toolchain).dir); err != nil {
		return fmt.Errorf("placing the root: %w", err)
	}
	return atomicfile.SyncDir(s.dir)
}

// packages fetches and unpacks all packages beside each other, the largest first, for the last ones to be short.
func (s store) packages(ctx context.Context, o Options, t *tree, meter *meter) error {
	var from *mirror.Mirror
	missing := slices.ContainsFunc(o.Toolchain.Locked, func(p spec.Locked) bool { return !s.has(p) })
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
	for _, p := range slices.SortedFunc(slices.Values(o.Toolchain.Locked), func(a, b spec.Locked) int { return cmp.Compare(b.Size, a.Size) }) {
		if groupCtx.Err() != nil {
			break
		}
		group.Go(func() error {
			if !s.has(p) {
				if err := limited(groupCtx, network, func() error { return s.download(groupCtx, o.Toolchain.Suite, from, p) }); err != nil {
					return err
				}
			}
			err := limited(groupCtx, cpu, func() error { return s.unpack(groupCtx, t, p) })
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
func (s store) unpack(ctx context.Context, t *tree, p spec.Locked) error {
	f, err := os.Open(s.deb(p))
	if err != nil {
		return err
	}
	defer f.Close()
	err = t.unpack(ctx, f, p)
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

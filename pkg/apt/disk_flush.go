package apt

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"kubedist/pkg/atomicfile"
)

// flushOneByOne is how many files or directories are synced one by one. For more, the whole file system is synced at once:
// a journal commits once then, and not thousands of times. It is one file system, since nothing can be renamed into another.
const flushOneByOne = 256

// flush gives the files the modification time and makes them durable.
func (d *disk) flush(ctx context.Context, names []string, at time.Time) error {
	if d.recording != nil {
		for _, name := range names {
			d.recording.flushes = append(d.recording.flushes, flush{name, at})
		}
		return nil
	}
	return d.flushEach(ctx, len(names), func(i int) flush { return flush{names[i], at} })
}

// flushEach is flush for count files of different times.
func (d *disk) flushEach(ctx context.Context, count int, file func(i int) flush) error {
	workers, ctx := errgroup.WithContext(ctx)
	workers.SetLimit(16) // a journal commits many syncs at once
	all := count > flushOneByOne && d.canSyncAll()
	for i := range count {
		x := file(i)
		if err := d.step("sync", x.temp); err != nil {
			return errors.Join(err, workers.Wait())
		}
		if err := ctx.Err(); err != nil {
			return errors.Join(err, workers.Wait())
		}
		if err := os.Chtimes(d.path(x.temp), x.at, x.at); err != nil {
			return errors.Join(err, workers.Wait())
		}
		if all {
			continue
		}
		workers.Go(func() error {
			f, err := openFile(d.path(x.temp), os.O_RDWR, 0)
			if err != nil {
				return err
			}
			return errors.Join(f.Sync(), f.Close())
		})
	}
	if err := workers.Wait(); err != nil || !all {
		return err
	}
	return d.syncAll()
}

// sync makes all names durable that were changed since the last call.
func (d *disk) sync(ctx context.Context) error {
	if d.recording != nil {
		d.recording.add(journalSync, "", "")
		return nil
	}
	dirs := make([]string, 0, len(d.dirty))
	for dir := range d.dirty {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	workers, ctx := errgroup.WithContext(ctx)
	workers.SetLimit(16)
	all := len(dirs) > flushOneByOne && d.canSyncAll()
	for _, dir := range dirs {
		if err := d.step("syncdir", dir); err != nil {
			return errors.Join(err, workers.Wait())
		}
		if all {
			continue
		}
		workers.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return atomicfile.SyncDir(d.path(dir))
		})
	}
	if err := workers.Wait(); err != nil {
		return err
	}
	if all {
		if err := d.syncAll(); err != nil {
			return err
		}
	}
	clear(d.dirty)
	return nil
}

package apt

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"kubedist/pkg/page"
)

// maxPage bounds in bytes how much of a file is read to see whether it is the same still.
const maxPage = 64 << 20

// rewriting is files that are to have some contents. Those that have not are written beside their places first and put
// there together: to sync many at once costs little more than to sync one.
type rewriting struct {
	disk   *disk
	writes []rewrite
	byDir  map[string][]int // the writes into each directory
}

// rewrite is one file that is to be put into its place.
type rewrite struct {
	temp, name string
	size       int64
	at         time.Time
}

// add has a file hold data from the commit on, unless it does already. It is dated at, or a second after the one that it
// replaces if that is later, in whole seconds: rsync and caches take two files of one size and time for the same.
func (r *rewriting) add(name string, data []byte, at time.Time) error {
	at = at.UTC().Truncate(time.Second)
	old, info, err := r.disk.readOld(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case string(old) == string(data):
		return nil
	default:
		if next := info.ModTime().UTC().Truncate(time.Second).Add(time.Second); next.After(at) {
			at = next
		}
	}
	temp, err := r.disk.write(data)
	if err != nil {
		return err
	}
	if r.byDir == nil {
		r.byDir = map[string][]int{}
	}
	r.byDir[path.Dir(name)] = append(r.byDir[path.Dir(name)], len(r.writes))
	r.writes = append(r.writes, rewrite{temp: temp, name: name, size: int64(len(data)), at: at})
	return nil
}

// in reports whether a file in the directory is to be written.
func (r *rewriting) in(dir string) bool { return len(r.byDir[dir]) > 0 }

// show lists in a directory what the commit will put there.
func (r *rewriting) show(d *page.Directory) {
	for _, n := range r.byDir[d.Path] {
		w := r.writes[n]
		e := page.Entry{Name: path.Base(w.name), Mode: 0o644, Size: w.size, Time: w.at}
		i, found := slices.BinarySearchFunc(d.Entries, e, func(a, b page.Entry) int { return strings.Compare(a.Name, b.Name) })
		if found {
			d.Entries[i] = e
		} else {
			d.Entries = slices.Insert(d.Entries, i, e)
		}
	}
}

// commit syncs all files and puts them into their places.
func (r *rewriting) commit(ctx context.Context) error {
	temps := map[time.Time][]string{}
	var times []time.Time
	for _, w := range r.writes {
		if temps[w.at] == nil {
			times = append(times, w.at)
		}
		temps[w.at] = append(temps[w.at], w.temp)
	}
	for _, at := range times {
		if err := r.disk.flush(ctx, temps[at], at); err != nil {
			return err
		}
	}
	for _, w := range r.writes {
		if err := r.disk.place(w.temp, w.name); err != nil {
			return err
		}
	}
	r.writes, r.byDir = nil, nil
	return nil
}

// replace is a rewriting of one file.
func (d *disk) replace(ctx context.Context, name string, data []byte, at time.Time) error {
	r := &rewriting{disk: d}
	if err := r.add(name, data, at); err != nil {
		return err
	}
	return r.commit(ctx)
}

// generated reports whether a page may be written: there is none yet, or it is one of ours.
func (d *disk) generated(name string) (bool, error) {
	old, _, err := d.readOld(name)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return err == nil && page.Generated(old), err
}

// readOld reads a regular file. What is larger than maxPage, or no regular file, reads as empty.
func (d *disk) readOld(name string) ([]byte, fs.FileInfo, error) {
	info, err := os.Lstat(d.path(name))
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxPage {
		return nil, info, err
	}
	data, err := os.ReadFile(d.path(name))
	return data, info, err
}

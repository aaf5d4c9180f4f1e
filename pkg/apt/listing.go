package apt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kubedist/pkg/page"
)

// hidden reports whether a name is no part of the archive: the work directory, and what tools leave beside files.
func hidden(name string) bool { return strings.HasPrefix(name, ".") }

// listings brings the directories' pages, their dates and ls-lR.gz up to date.
//
// A directory is dated by the last publishing that changed what is in it, so that trees made in the same way have the
// same dates, and rsync sends none of them twice. Directories that nothing has changed are not looked at, but for their
// parents, whose listings show their dates: what a publishing costs does not depend on how much is there. After a run
// that was killed, and the first time, the whole tree is read; what that run has touched shows by a date that is no
// publishing's.
type listings struct {
	disk    *disk
	at      time.Time
	pages   bool // directories have pages, and there is an ls-lR.gz
	long    *page.LongList
	writes  *rewriting
	changed map[string]bool
	// queue has the directories to look at, by how deep they lie: the deepest come first, since a directory shows the
	// dates of those in it.
	queue []map[string]bool
	done  []string             // directories, deepest first
	dates map[string]time.Time // that they are to have
}

// writeListings brings pages and dates of directories up to date with what this transaction has changed and with what is
// to be written yet, which it writes; all dated at.
func (t *Transaction) writeListings(ctx context.Context, def *Definition, w *rewriting, at time.Time) error {
	l := &listings{disk: t.disk, at: at, pages: def.Listings, writes: w, changed: maps.Clone(t.disk.changed), dates: map[string]time.Time{}}
	if l.changed == nil {
		l.changed = map[string]bool{}
	}
	if w.in(".") {
		l.changed["."] = true
	}
	whole := t.lock.unclean
	if l.pages {
		if l.long = l.readLongList(); l.long == nil || whole { // what a killed run has removed nobody knows to be gone
			whole, l.long = true, &page.LongList{}
		}
	} else if _, err := os.Lstat(t.disk.path(longListFile)); err == nil {
		whole = true // the pages of an earlier definition have to go
	}
	if err := l.fill(ctx, whole); err != nil {
		return err
	}
	for depth := len(l.queue) - 1; depth >= 0; depth-- {
		for _, dir := range slices.Sorted(maps.Keys(l.queue[depth])) {
			if err := l.directory(ctx, dir); err != nil {
				return fmt.Errorf("listing of %s: %w", dir, err)
			}
		}
	}
	if err := w.commit(ctx); err != nil {
		return err
	}
	return l.date()
}

// date gives the directories their dates, which what was written into them has changed.
func (l *listings) date() error {
	for _, dir := range l.done {
		info, err := os.Lstat(l.disk.path(dir))
		if err == nil && !info.ModTime().Equal(l.dates[dir]) {
			err = l.disk.chtimes(dir, l.dates[dir])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fill finds the directories to look at.
func (l *listings) fill(ctx context.Context, whole bool) error {
	for dir := range l.changed {
		if !inHidden(dir) {
			l.add(dir)
			if dir != "." {
				l.add(path.Dir(dir))
			}
		}
	}
	if len(l.queue) > 0 {
		l.add(".") // which has ls-lR.gz
	}
	if !whole {
		return nil
	}
	return filepath.WalkDir(l.disk.root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(l.disk.root, name)
		if err != nil || !d.IsDir() {
			return err
		}
		if rel != "." && hidden(d.Name()) {
			return fs.SkipDir
		}
		l.add(filepath.ToSlash(rel))
		return ctx.Err()
	})
}

// inHidden reports whether a path leads through a hidden directory.
func inHidden(dir string) bool {
	return dir != "." && (hidden(dir) || strings.Contains(dir, "/."))
}

func (l *listings) add(dir string) {
	depth := 0
	if dir != "." {
		depth = strings.Count(dir, "/") + 1
	}
	for len(l.queue) <= depth {
		l.queue = append(l.queue, map[string]bool{})
	}
	l.queue[depth][dir] = true
}

// directory brings one directory up to date.
func (l *listings) directory(ctx context.Context, dir string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	info, err := os.Lstat(l.disk.path(dir))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		if l.pages {
			l.long.Remove(dir)
		}
		return nil
	}
	if err != nil {
		return err
	}
	date := info.ModTime()
	if l.changed[dir] || date.Nanosecond() != 0 || date.After(l.at) {
		date = l.at
	}
	d, err := l.read(dir)
	if err != nil {
		return err
	}
	if gone, err := l.removeEmpty(d); err != nil || gone {
		return err
	}
	l.done, l.dates[dir] = append(l.done, dir), date
	if dir != "." { // whose page is the landing page
		if err := l.page(d); err != nil {
			return err
		}
	}
	if !l.pages {
		if dir == "." {
			return l.removeIfListed(longListFile)
		}
		return nil
	}
	l.writes.show(d)
	l.long.Set(d)
	if dir == "." { // the last one
		return l.writeLongList()
	}
	return nil
}

// removeEmpty removes a directory that holds nothing but its page, or nothing at all.
func (l *listings) removeEmpty(d *page.Directory) (gone bool, err error) {
	if d.Path == "." || len(d.Entries) > 1 {
		return false, nil
	}
	if there, err := os.ReadDir(l.disk.path(d.Path)); err != nil || len(there) != len(d.Entries) {
		return false, err // something hidden is in it
	}
	for _, e := range d.Entries {
		name := path.Join(d.Path, e.Name)
		if e.Name != page.IndexFile {
			return false, nil
		}
		if ours, err := l.disk.generated(name); err != nil || !ours {
			return false, err
		}
		if err := l.disk.remove(name); err != nil {
			return false, err
		}
	}
	parent := path.Dir(d.Path)
	l.changed[parent] = true
	l.add(parent)
	l.add(path.Dir(parent))
	if l.pages {
		l.long.Remove(d.Path)
	}
	return true, l.disk.rmdir(d.Path)
}

// page has the page of a directory written, or removes it where there are to be none.
func (l *listings) page(d *page.Directory) error {
	name := path.Join(d.Path, page.IndexFile)
	if ours, err := l.disk.generated(name); err != nil || !ours {
		return err
	}
	if !l.pages {
		return l.removeIfListed(name)
	}
	html, err := d.HTML()
	if err != nil {
		return err
	}
	return l.writes.add(name, html, l.at)
}

// removeIfListed removes a page if it is there.
func (l *listings) removeIfListed(name string) error {
	if _, err := os.Lstat(l.disk.path(name)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return l.disk.remove(name)
}

// read lists a directory with the dates that those in it are to have, and with what is to be written there.
func (l *listings) read(dir string) (*page.Directory, error) {
	d, err := l.disk.read(dir)
	if err != nil {
		return nil, err
	}
	for i := range d.Entries {
		if date, found := l.dates[path.Join(dir, d.Entries[i].Name)]; found {
			d.Entries[i].Time = date
		}
	}
	l.writes.show(d)
	return d, nil
}

// read lists a directory as an archive has it: sorted, without what is hidden. ls-lR.gz is left out, for it cannot say
// how long it is itself.
func (d *disk) read(dir string) (*page.Directory, error) {
	at := d.path(dir)
	names, err := readNames(at)
	if err != nil {
		return nil, err
	}
	list := &page.Directory{Path: dir, Entries: make([]page.Entry, 0, len(names)+1)} // and its page
	for _, name := range names {
		if hidden(name) || dir == "." && name == longListFile {
			continue
		}
		e := page.Entry{Name: name}
		if e.Mode, e.Size, e.Time, err = look(at + string(filepath.Separator) + name); err != nil {
			return nil, err
		}
		if e.Mode&fs.ModeSymlink != 0 {
			if e.Target, err = os.Readlink(at + string(filepath.Separator) + name); err != nil {
				return nil, err
			}
		}
		list.Entries = append(list.Entries, e)
	}
	return list, nil
}

// readNames lists the names in a directory, sorted.
func readNames(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

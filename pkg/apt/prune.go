package apt

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// prune removes what no client can be in the middle of fetching any more: contents of listed files that are older than the
// definition's number of generations, and files that Release no longer lists.
//
// How old a content is shows in its file's modification time: the date of the Release that brought it, and from the one
// on that dropped it the date of that. So a content that comes back is young again, and files that a copy of the tree
// gave one common time count as one generation: that keeps more, never less.
func (p *publication) prune(ctx context.Context) error {
	if err := p.dropLeftovers(); err != nil {
		return err
	}
	for _, d := range p.drafts {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.dateReplaced(d); err != nil {
			return err
		}
		if err := p.prunePlace(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// dropLeftovers removes the Release of a suite that a killed run was about to publish for the first time and that is not
// published now either. Without an InRelease it would look like one that was lost.
func (p *publication) dropLeftovers() error {
	for _, s := range p.tree.suites {
		for _, at := range s.places() {
			if !at.leftover || slices.ContainsFunc(p.drafts, func(d *draft) bool { return d.past == at }) {
				continue
			}
			for _, name := range []string{"Release.gpg", "Release"} {
				if err := p.disk.remove(path.Join(at.dir, name)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// dateReplaced dates the files that the previous Release listed and this one does not.
func (p *publication) dateReplaced(d *draft) error {
	if d.past.release == nil {
		return nil
	}
	for _, old := range d.past.release.Files {
		if current, found := d.release.File(old.Path); found && current.SHA256 == old.SHA256 {
			continue
		}
		name := path.Join(d.past.dir, byHash(old.Path, old.SHA256))
		if err := p.disk.chtimes(name, d.release.Date); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		p.disk.touched(name)
		if err := p.touchOthers(d.suite, byHash(old.Path, old.SHA256), old.Path); err != nil {
			return err
		}
	}
	return nil
}

// touchOthers notes that a file of a suite is dated anew under its other names, too: in its aliases, those included that
// the definition no longer names, and in snapshots.
func (p *publication) touchOthers(s *suite, files ...string) error {
	snapshots, err := p.tree.snapshotNames()
	if err != nil {
		return err
	}
	var dirs []string
	for _, at := range s.places() {
		dirs = append(dirs, at.dir)
	}
	for _, other := range p.tree.suites {
		if other.def == nil {
			dirs = append(dirs, other.dir)
		}
	}
	for _, name := range snapshots {
		dirs = append(dirs, path.Join(snapshotDir(name), s.dir))
	}
	for _, dir := range dirs {
		for _, file := range files {
			if _, err := os.Lstat(p.disk.path(path.Join(dir, file))); err == nil {
				p.disk.touched(path.Join(dir, file))
			}
		}
	}
	return nil
}

// prunePlace looks into every directory of a place, for the last file that was listed in one may be gone from Release.
func (p *publication) prunePlace(ctx context.Context, d *draft) error {
	keep := map[string]bool{}
	for _, f := range d.release.Files {
		keep[f.Path], keep[byHash(f.Path, f.SHA256)] = true, true
	}
	var dirs, files []string
	root := p.disk.path(d.past.dir)
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		switch rel = filepath.ToSlash(rel); {
		case !entry.IsDir():
			if isListable(rel) && !keep[rel] {
				files = append(files, rel)
			}
		case entry.Name() == "by-hash":
			dirs = append(dirs, path.Dir(rel))
			return fs.SkipDir
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	for _, name := range files {
		if err := p.disk.remove(path.Join(d.past.dir, name)); err != nil {
			return err
		}
	}
	for _, dir := range dirs {
		if err := p.pruneContents(d, dir, keep); err != nil {
			return err
		}
	}
	return nil
}

// isListable reports whether a file of a place is one of those that only a Release can account for. What else lies there
// is someone else's.
func isListable(name string) bool {
	dir, base := path.Split(name)
	for _, prefix := range []string{"Packages", "Sources", "Contents-", "Translation-"} {
		if strings.HasPrefix(base, prefix) {
			return true
		}
	}
	return base == "Release" && dir != ""
}

// pruneContents prunes one by-hash directory.
func (p *publication) pruneContents(d *draft, dir string, keep map[string]bool) error {
	dir = path.Join(dir, "by-hash", "SHA256")
	names, err := os.ReadDir(p.disk.path(path.Join(d.past.dir, dir)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	retired := map[time.Time][]string{}
	for _, entry := range names {
		name := path.Join(dir, entry.Name())
		if keep[name] || checkDigest(entry.Name()) != nil {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		at := info.ModTime().Truncate(time.Second)
		retired[at] = append(retired[at], name)
	}
	var times []time.Time
	for at := range retired {
		times = append(times, at)
	}
	slices.SortFunc(times, func(a, b time.Time) int { return b.Compare(a) })
	for _, at := range times[min(len(times), p.tree.def.Generations-1):] {
		for _, name := range retired[at] {
			if err := p.disk.remove(path.Join(d.past.dir, name)); err != nil {
				return err
			}
			p.result.Pruned++
		}
	}
	return nil
}

// Package tarball writes tar.gz files whose bytes depend on nothing but what goes into them: not on the clock, the
// umask, the user, the locale, the order of directory entries or the number of cores.
//
// An [Archive] is a value. It is put together in memory, changed with small methods, checked as a whole, and written
// once, at the end. The package knows nothing about what a release holds; package release says that.
package tarball

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// An Archive describes the files of one tarball. Directories are implied by what lies in them; only empty ones need an
// entry of their own.
type Archive struct {
	Files []File

	// Root says that the archive is unpacked as the root of a file system, or on top of one: a layer of a container
	// image. Then links may be absolute, modes may have the set-user-ID, set-group-ID and sticky bits, and files may
	// have Xattrs. People who unpack a tarball anywhere want none of that.
	Root bool
}

// A File is one entry: a regular file when Source is set, a symbolic link when Link is, a directory when Dir is.
// Exactly one of the three is.
type File struct {
	Name   string      // slash-separated, relative, without "." and ".."
	Mode   fs.FileMode // permission bits, see Archive.Root; 0 means 0644, 0755 for directories. Links have 0777.
	Time   time.Time   // modification time, cut to seconds; zero means Options.Time
	Source Source      // where the content comes from
	Link   string      // the link's target, relative to the link's directory; see Archive.Root
	Dir    bool

	// UID and GID own a directory, by number. Files and links, and all of an archive without Root, belong to 0.
	UID, GID int

	// Xattrs are extended attributes by their full names, such as security.capability; not of links. See Archive.Root.
	Xattrs map[string]string
}

// Add appends files.
func (a *Archive) Add(files ...File) { a.Files = append(a.Files, files...) }

// AddPrefix puts every file below the directory prefix. Links are relative, so they stay right.
func (a *Archive) AddPrefix(prefix string) {
	for i := range a.Files {
		a.Files[i].Name = path.Join(prefix, a.Files[i].Name)
	}
}

// Filter drops the files for which keep returns false.
func (a *Archive) Filter(keep func(File) bool) {
	a.Files = slices.DeleteFunc(a.Files, func(f File) bool { return !keep(f) })
}

// SetTime gives every file the modification time t.
func (a *Archive) SetTime(t time.Time) {
	for i := range a.Files {
		a.Files[i].Time = t
	}
}

// Sort puts the files into the order in which they are written: by name, component by component, so that a directory
// comes right before what it holds. Writing sorts a copy of its own; Sort is for those who look at Files.
func (a *Archive) Sort() { slices.SortStableFunc(a.Files, byName) }

// byName compares component by component: "a/b" comes before "a.b", though '.' is less than '/'.
func byName(x, y File) int {
	a, b := x.Name, y.Name
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] {
			continue
		}
		if a[i] == '/' {
			return -1
		}
		if b[i] == '/' {
			return 1
		}
		return cmp.Compare(a[i], b[i])
	}
	return cmp.Compare(len(a), len(b))
}

// complete returns the files to write: sorted, with an entry for every directory, and with the defaults filled in.
func (a *Archive) complete(at time.Time) []File {
	files := slices.Clone(a.Files)
	have := map[string]bool{}
	for _, f := range files {
		have[f.Name] = true
	}
	for _, f := range a.Files {
		for dir := path.Dir(f.Name); dir != "." && !have[dir]; dir = path.Dir(dir) {
			have[dir] = true
			files = append(files, File{Name: dir, Dir: true})
		}
	}
	for i := range files {
		f := &files[i]
		if f.Time.IsZero() {
			f.Time = at
		}
		f.Time = f.Time.Truncate(time.Second)
		switch {
		case f.Link != "":
			f.Mode = 0o777
		case f.Mode != 0:
		case f.Dir:
			f.Mode = 0o755
		default:
			f.Mode = 0o644
		}
	}
	slices.SortFunc(files, byName)
	return files
}

// inside reports whether a link called name with the given target leads to something below the archive's root. Targets
// must be clean: then every ".." comes first and climbs real directories, for no directory on the way to a file may be
// a link (see Check), and no chain of links can climb higher than each of them does.
func inside(name, target string) bool {
	if path.IsAbs(target) || path.Clean(target) != target {
		return false
	}
	joined := path.Join(path.Dir(name), target)
	return joined != ".." && !strings.HasPrefix(joined, "../")
}

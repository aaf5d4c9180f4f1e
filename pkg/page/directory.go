package page

import (
	"io/fs"
	"path"
	"strings"
	"time"
)

// Directory is one directory of an archive.
type Directory struct {
	Path    string // relative to the root; "." for the root
	Entries []Entry
}

// Entry is a name in a directory.
type Entry struct {
	Name   string
	Mode   fs.FileMode
	Size   int64 // bytes; not looked at for directories
	Time   time.Time
	Target string // of a symbolic link
}

// IndexFile is the name of a directory's page.
const IndexFile = "index.html"

// HTML writes the directory's page. It does not list itself. Entries come in the order given.
func (d *Directory) HTML() ([]byte, error) { return render("directory.html", d) }

// A Crumb is one directory on the way from the root: its name, and a link from the page back to it.
type Crumb struct{ Name, Up string }

// Crumbs lists the directories above this one, the root first.
func (d *Directory) Crumbs() []Crumb {
	parts := strings.Split(path.Clean(d.Path), "/")
	crumbs := []Crumb{{"archive", strings.Repeat("../", len(parts))}}
	for i, part := range parts[:len(parts)-1] {
		crumbs = append(crumbs, Crumb{part, strings.Repeat("../", len(parts)-1-i)})
	}
	return crumbs
}

// Base is the directory's own name.
func (d *Directory) Base() string { return path.Base(d.Path) }

// Listed are the entries that the page shows: all but the page itself.
func (d *Directory) Listed() []Entry {
	listed := make([]Entry, 0, len(d.Entries))
	for _, e := range d.Entries {
		if e.Name != IndexFile {
			listed = append(listed, e)
		}
	}
	return listed
}

// IsDir reports whether the entry is a directory, which has a page of its own.
func (e Entry) IsDir() bool { return e.Mode.IsDir() }

// IsFile reports whether the entry is a regular file.
func (e Entry) IsFile() bool { return e.Mode.IsRegular() }

package tarball

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// ErrArchive is in the chain of every error of Check.
var ErrArchive = errors.New("archive breaks a rule")

// Check refuses what would unpack badly, or differently from one system to the next: names that are absolute, contain
// "..", control characters or backslashes, or come twice; entries below a file or link; links that lead out of the
// archive; modes beyond the permission bits; entries that are of no kind or of two; extended attributes. Of the last, of
// modes and of absolute links an archive with Root takes more. All that is wrong is reported, one finding a line.
func (a *Archive) Check() error {
	kinds := make(map[string]File, len(a.Files))
	var all []error
	for _, f := range a.Files {
		if err := f.check(a.Root); err != nil {
			all = append(all, err)
		}
		if _, twice := kinds[f.Name]; twice {
			all = append(all, fmt.Errorf("%q comes twice: %w", f.Name, ErrArchive))
		}
		kinds[f.Name] = f
	}
	for _, f := range a.Files {
		if !fs.ValidPath(f.Name) {
			continue // reported above, and its parents mean nothing
		}
		for dir := path.Dir(f.Name); dir != "."; dir = path.Dir(dir) {
			if parent, listed := kinds[dir]; listed && !parent.Dir {
				all = append(all, fmt.Errorf("%q lies below %q, which is no directory: %w", f.Name, dir, ErrArchive))
			}
		}
	}
	return errors.Join(all...)
}

// check applies the rules that need no other entry.
func (f File) check(root bool) error {
	var kinds int
	for _, is := range []bool{f.Source != nil, f.Link != "", f.Dir} {
		if is {
			kinds++
		}
	}
	modes := fs.ModePerm
	if root {
		modes |= fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
	}
	switch {
	case !fs.ValidPath(f.Name) || f.Name == ".":
		return fmt.Errorf("%q is not a plain relative name: %w", f.Name, ErrArchive)
	case odd(f.Name) || odd(f.Link):
		return fmt.Errorf("%q has a backslash or control character in its name or target: %w", f.Name, ErrArchive)
	case kinds != 1:
		return fmt.Errorf("%q must be one of file, link and directory: %w", f.Name, ErrArchive)
	case f.UID < 0 || f.GID < 0 || (f.UID != 0 || f.GID != 0) && (!root || !f.Dir):
		return fmt.Errorf("%q belongs to %d:%d, as only directories of a root file system may: %w", f.Name, f.UID, f.GID, ErrArchive)
	case f.Mode&^modes != 0:
		return fmt.Errorf("%q has mode %v, more than permission bits: %w", f.Name, f.Mode, ErrArchive)
	case root && path.IsAbs(f.Link) && path.Clean(f.Link) == f.Link:
		// It leads to something below the root that the archive is unpacked as.
	case f.Link != "" && !inside(f.Name, f.Link):
		return fmt.Errorf("%q links to %q, outside of the archive: %w", f.Name, f.Link, ErrArchive)
	}
	return f.checkXattrs(root)
}

// checkXattrs refuses extended attributes where the archive or the entry can have none, and names that no pax record
// can hold.
func (f File) checkXattrs(root bool) error {
	if len(f.Xattrs) > 0 && (!root || f.Link != "") {
		return fmt.Errorf("%q has extended attributes, as only files of a root file system may: %w", f.Name, ErrArchive)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Xattrs)) {
		if name == "" || odd(name) || strings.Contains(name, "=") {
			return fmt.Errorf("%q has an extended attribute of the name %q: %w", f.Name, name, ErrArchive)
		}
	}
	return nil
}

// odd reports whether a name holds what some systems take for something else.
func odd(name string) bool {
	return strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f })
}

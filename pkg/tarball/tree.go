package tarball

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// AddTree appends every file and symbolic link below the directory root, named relative to it, in the order of Sort.
//
// keep, when set, is asked about each name; false leaves the file out, and a directory with all it holds. Modes are
// 0755 for what its owner may execute and 0644 for the rest, whatever else the disk says. Directories get no entry of
// their own, so that a git checkout, which cannot hold an empty one, and a copy of it give the same archive. A link
// is kept as a link; one that leads out of root is an error, as are devices, sockets and pipes. Nothing is opened: the
// contents are read when the archive is written.
func (a *Archive) AddTree(ctx context.Context, root string, keep func(name string, d fs.DirEntry) bool) error {
	var tree Archive
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err = cmp.Or(err, ctx.Err()); err != nil || name == "." {
			return err
		}
		if keep != nil && !keep(name, d) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		file, err := treeFile(root, name, d)
		if err != nil {
			return err
		}
		tree.Add(file)
		return nil
	})
	if err != nil {
		return fmt.Errorf("tree %s: %w", root, err)
	}
	tree.Sort()
	a.Add(tree.Files...)
	return nil
}

// treeFile makes the entry of one file or link.
func treeFile(root, name string, d fs.DirEntry) (File, error) {
	onDisk := filepath.Join(root, filepath.FromSlash(name))
	switch {
	case d.Type().IsRegular():
		info, err := d.Info()
		if err != nil {
			return File{}, err
		}
		mode := fs.FileMode(0o644)
		if info.Mode()&0o100 != 0 {
			mode = 0o755
		}
		return File{Name: name, Mode: mode, Source: Path(onDisk)}, nil
	case d.Type() == fs.ModeSymlink:
		target, err := os.Readlink(onDisk)
		if err != nil {
			return File{}, err
		}
		tidied := TidyLink(filepath.ToSlash(target))
		if !inside(name, tidied) {
			return File{}, fmt.Errorf("link %s leads to %s, outside of the tree", name, target)
		}
		return File{Name: name, Link: tidied}, nil
	default:
		return File{}, fmt.Errorf("%s is neither file, directory nor link (%v)", name, d.Type())
	}
}

// TidyLink drops "." components, doubled and trailing slashes from a link's target. It returns the target as it is when that
// would drop a ".." too: where "d/.." leads depends on whether d is a link itself.
func TidyLink(target string) string {
	cleaned := path.Clean(target)
	if countUp(cleaned) != countUp(target) {
		return target
	}
	return cleaned
}

// countUp returns how many components of p are "..".
func countUp(p string) int {
	n := 0
	for component := range strings.SplitSeq(p, "/") {
		if component == ".." {
			n++
		}
	}
	return n
}

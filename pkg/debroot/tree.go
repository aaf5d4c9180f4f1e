package debroot

import (
	"archive/tar"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"

	"kubedist/pkg/deb"
	"kubedist/pkg/spec"
)

// What a tree may hold: several times what compilers for all architectures need.
const (
	maxEntries = 500_000
	maxBytes   = 16 << 30
	maxTarget  = 4096 // bytes of where a symbolic link leads: PATH_MAX
)

// errDamaged is a package that is not the one that was locked.
var errDamaged = errors.New("not the package that is locked")

// Tree is a directory that packages are unpacked into, several at a time. What is in it depends on the packages alone,
// not on their order: directories may be in several, everything else in one. Owners, times and the finer points of modes
// are not kept, so that they are the same for every user: a file is 0755 when its owner may run it, else 0644.
type Tree struct {
	root     *os.Root
	excludes func(path string) bool

	mu     sync.Mutex
	owners map[string]owner // of every path in the tree
	bytes  int64
}

// owner says which package has a path.
type owner struct {
	name string
	kind fs.FileMode // 0, fs.ModeDir or fs.ModeSymlink
}

// newTree begins a tree in an empty directory. What excludes reports is not unpacked; it may be nil.
func newTree(dir string, excludes func(path string) bool) (*Tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	if excludes == nil {
		excludes = func(string) bool { return false }
	}
	return &Tree{root: root, excludes: excludes, owners: map[string]owner{}}, nil
}

func (t *Tree) close() { _ = t.root.Close() }

// unpack unpacks the package in r. When that is not p, byte by byte, the error wraps errDamaged; the tree is of no use
// then, as after any error.
func (t *Tree) unpack(ctx context.Context, r io.Reader, p spec.Locked) (*deb.Info, error) {
	limits := deb.Limits{File: p.Size, Data: maxBytes, Files: maxEntries, Dictionary: 128 << 20}
	var refused error
	info, err := new(deb.Reader).ReadEntries(ctx, r, limits, func(e deb.Entry, contents io.Reader) error {
		if t.excludes(e.Path) {
			return nil
		}
		refused = t.add(p.Package, e, contents)
		return refused
	})
	switch {
	case refused != nil || ctx.Err() != nil:
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	case info.Size != p.Size || hex.EncodeToString(info.SHA256[:]) != p.SHA256:
		return nil, fmt.Errorf("%w: it has SHA-256 %x, not %s", errDamaged, info.SHA256, p.SHA256)
	case info.Package != p.Package || info.Version != p.Version || info.Architecture != p.Architecture:
		return nil, fmt.Errorf("package is %s, not %s %s for %s", deb.Name(info), p.Package, p.Version, p.Architecture)
	}
	return info, nil
}

// add puts one entry of a package into the tree.
func (t *Tree) add(name string, e deb.Entry, contents io.Reader) error {
	switch e.Type {
	case tar.TypeDir:
		return t.claim(name, e.Path, fs.ModeDir, 0)
	case tar.TypeReg:
		if err := t.claim(name, e.Path, 0, e.Size); err != nil {
			return err
		}
		return t.write(e, contents)
	case tar.TypeSymlink:
		return t.symlink(name, e.Path, e.Target)
	case tar.TypeLink:
		return t.link(name, e)
	}
	return fmt.Errorf("a root has no files of type %q", e.Type)
}

// claim makes a path the package's, and the directories that it lies in; a directory is made, too.
func (t *Tree) claim(name, at string, kind fs.FileMode, size int64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at == "" && kind.IsDir() {
		return nil // the root
	}
	if !fs.ValidPath(at) || at == "." || strings.ContainsRune(at, 0) {
		return errors.New("no path that a file can have")
	}
	if dir := path.Dir(at); dir != "." {
		if err := t.mkdirAll(name, dir); err != nil {
			return err
		}
	}
	if kind.IsDir() {
		return t.mkdir(name, at)
	}
	if other, there := t.owners[at]; there {
		return fmt.Errorf("is in package %s too", other.name)
	}
	if t.bytes += size; t.bytes > maxBytes {
		return fmt.Errorf("more than %d bytes are unpacked", int64(maxBytes))
	}
	return t.own(at, owner{name, kind})
}

func (t *Tree) own(at string, o owner) error {
	if len(t.owners) == maxEntries {
		return fmt.Errorf("more than %d files are unpacked", maxEntries)
	}
	t.owners[at] = o
	return nil
}

// mkdirAll makes a directory with its parents, none of which is a link: a package that had one in place of a directory
// would decide where the files of another come to lie.
func (t *Tree) mkdirAll(name, at string) error {
	if o, there := t.owners[at]; there && o.kind.IsDir() {
		return nil
	}
	if dir := path.Dir(at); dir != "." {
		if err := t.mkdirAll(name, dir); err != nil {
			return err
		}
	}
	return t.mkdir(name, at)
}

func (t *Tree) mkdir(name, at string) error {
	if o, there := t.owners[at]; there {
		if o.kind.IsDir() {
			return nil
		}
		return fmt.Errorf("%s is a directory here, and none in package %s", at, o.name)
	}
	if err := t.own(at, owner{name, fs.ModeDir}); err != nil {
		return err
	}
	if err := t.root.Mkdir(at, 0o755); err != nil {
		return err
	}
	return t.root.Chmod(at, 0o755) // whatever the umask is
}

// write writes a file that is the package's already.
func (t *Tree) write(e deb.Entry, contents io.Reader) error {
	mode := fs.FileMode(0o644)
	if e.Executable {
		mode = 0o755
	}
	f, err := t.root.OpenFile(e.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, contents)
	return errors.Join(err, f.Chmod(mode), f.Close())
}

// symlink makes a link. It may lead anywhere: nothing here follows it, and who does is inside of the root.
func (t *Tree) symlink(name, at, target string) error {
	if target == "" || len(target) > maxTarget || strings.ContainsRune(target, 0) {
		return errors.New("link leads nowhere")
	}
	if err := t.claim(name, at, fs.ModeSymlink, 0); err != nil {
		return err
	}
	return t.root.Symlink(target, at)
}

// link makes another name of a file of the same package.
func (t *Tree) link(name string, e deb.Entry) error {
	t.mu.Lock()
	file, there := t.owners[e.Target]
	t.mu.Unlock()
	if !there || file.name != name || file.kind != 0 {
		return fmt.Errorf("is another name of %q, which is no file of the package", e.Target)
	}
	if err := t.claim(name, e.Path, 0, 0); err != nil {
		return err
	}
	return t.root.Link(e.Target, e.Path)
}

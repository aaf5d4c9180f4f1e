package apt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"kubedist/pkg/atomicfile"
)

// disk is the one way by which an archive is changed. Paths are relative to the root and use slashes. Files are made in
// the work directory and renamed to their places; names become durable when sync is called.
type disk struct {
	root  string
	dir   *os.File // the root; open since before anything was written, so that syncing it tells of every error since
	count atomic.Int64
	dirty map[string]bool // directories with names that are not durable yet
	// recording takes what flush, place, linkTo, remove and sync would do; while it is set they do nothing else.
	recording *journal
	// changed has the directories in which anything has changed since the transaction began.
	changed map[string]bool
	// before is called ahead of each change; an error from it stands for a failure of that change. Tests set it.
	before func(operation, name string) error
}

func (d *disk) path(name string) string {
	return d.root + string(filepath.Separator) + filepath.FromSlash(name)
}

func (d *disk) step(operation, name string) error {
	if d.before == nil {
		return nil
	}
	return d.before(operation, name)
}

// temp creates a file in the work directory under a name that no other has. It is safe for concurrent use.
func (d *disk) temp() (*file, string, error) {
	name := tempDir + "/" + strconv.FormatInt(d.count.Add(1), 10)
	if err := d.step("create", name); err != nil {
		return nil, "", err
	}
	f, err := openFile(d.path(name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, "", err
	}
	if err := f.Chmod(0o644); err != nil { // whatever the umask
		return nil, "", errors.Join(err, f.Close())
	}
	return f, name, nil
}

// write puts data into a new temporary file.
func (d *disk) write(data []byte) (string, error) {
	f, name, err := d.temp()
	if err != nil {
		return "", err
	}
	if _, err := f.Write(data); err != nil {
		return "", errors.Join(err, f.Close())
	}
	return name, f.Close()
}

// mkdirAll makes a directory and its parents with mode 0755 whatever the umask.
func (d *disk) mkdirAll(name string) error {
	if info, err := os.Stat(d.path(name)); err == nil && info.IsDir() {
		return nil
	}
	if name != "." {
		if err := d.mkdirAll(path.Dir(name)); err != nil {
			return err
		}
	}
	if err := d.step("mkdir", name); err != nil {
		return err
	}
	if _, err := atomicfile.Mkdir(d.path(name)); err != nil {
		return err
	}
	d.touched(name)
	return nil
}

// place renames a temporary file to its place.
func (d *disk) place(temp, name string) error {
	if d.recording != nil {
		d.recording.add(journalPlace, temp, name)
		return nil
	}
	if err := d.step("rename", name); err != nil {
		return err
	}
	err := rename(d.path(temp), d.path(name))
	if errors.Is(err, fs.ErrNotExist) { // the directory, most often
		if err := d.mkdirAll(path.Dir(name)); err != nil {
			return err
		}
		err = rename(d.path(temp), d.path(name))
	}
	if err != nil {
		return err
	}
	d.touched(name)
	return nil
}

// placeDir is place for a directory: those below it come to their places with it, and count as changed.
func (d *disk) placeDir(temp, name string) error {
	if err := d.place(temp, name); err != nil || d.recording != nil {
		return err
	}
	return filepath.WalkDir(d.path(name), func(at string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		rel, err := filepath.Rel(d.root, at)
		d.changed[filepath.ToSlash(rel)] = true
		return err
	})
}

// linkTo makes name another name of the file at target, replacing what name was. Where the file system has no hard
// links it makes a copy.
func (d *disk) linkTo(ctx context.Context, target, name string) error {
	if d.recording != nil {
		d.recording.add(journalLink, target, name)
		return nil
	}
	temp := path.Join(tempDir, strconv.FormatInt(d.count.Add(1), 10))
	if err := d.step("link", name); err != nil {
		return err
	}
	if os.Link(d.path(target), d.path(temp)) != nil {
		var err error
		if temp, err = d.copy(ctx, d.path(target)); err != nil {
			return err
		}
	}
	// A rename between two names of one file does nothing: then the temporary name stays, and must go.
	if err := errors.Join(d.place(temp, name), removeIfThere(d.path(temp))); err != nil {
		return err
	}
	return nil
}

// copy makes a temporary file with the contents and the modification time of another, which any path may name.
func (d *disk) copy(ctx context.Context, from string) (string, error) {
	src, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return "", err
	}
	f, name, err := d.temp()
	if err != nil {
		return "", err
	}
	dst := f.whole() // which may share the blocks of the other
	_, err = io.Copy(dst, src)
	if err := errors.Join(err, dst.Close()); err != nil {
		return "", err
	}
	return name, d.flush(ctx, []string{name}, info.ModTime())
}

// remove removes a file. A file that is not there is none to remove.
func (d *disk) remove(name string) error {
	if d.recording != nil {
		d.recording.add(journalRemove, "", name)
		return nil
	}
	if err := d.step("remove", name); err != nil {
		return err
	}
	d.touched(name)
	return removeIfThere(d.path(name))
}

// rmdir removes an empty directory.
func (d *disk) rmdir(name string) error {
	if err := d.step("rmdir", name); err != nil {
		return err
	}
	if err := os.Remove(d.path(name)); err != nil {
		return err
	}
	delete(d.dirty, name)
	d.touched(name)
	return nil
}

// removeEmpty removes a directory, if it is empty, and the directories above it that are empty then, up to stop.
func (d *disk) removeEmpty(name, stop string) {
	for ; name != stop && name != "."; name = path.Dir(name) {
		if os.Remove(d.path(name)) != nil { // one that is not empty stays, with an error that says so
			return
		}
		delete(d.dirty, name)
		d.touched(name)
	}
}

// chtimes dates a file or directory.
func (d *disk) chtimes(name string, at time.Time) error {
	if err := d.step("chtimes", name); err != nil {
		return err
	}
	return os.Chtimes(d.path(name), at, at)
}

func removeIfThere(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (d *disk) touched(name string) {
	if d.dirty == nil {
		d.dirty, d.changed = map[string]bool{}, map[string]bool{}
	}
	d.dirty[path.Dir(name)], d.changed[path.Dir(name)] = true, true
}

// clean empties the directory of temporary files, or makes it, and opens the root. [disk.close] must follow.
func (d *disk) clean() error {
	if err := os.RemoveAll(d.path(tempDir)); err != nil {
		return fmt.Errorf("leftovers of an earlier run: %w", err)
	}
	if err := atomicfile.MkdirAll(d.path(tempDir)); err != nil {
		return err
	}
	var err error
	d.dir, err = os.Open(d.root)
	return err
}

func (d *disk) close() error {
	if d.dir == nil {
		return nil
	}
	return d.dir.Close()
}

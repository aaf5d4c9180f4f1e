// Package atomicfile replaces files so that a reader, or whoever comes after a crash, meets the old file or the new one
// and never a part of one. A file is written beside its destination, synced, renamed over it, and the directory that
// holds the new name is synced too.
//
// It knows nothing about what is written. It needs a POSIX file system: rename over an existing name, and fsync of
// directories. It does not make a set of files change together: whoever needs that orders the writes.
//
// Temporary names begin with [Prefix], and a file being written is locked (flock), so that [Clean] can tell the
// leftovers of a killed process from the work of a running one.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Prefix begins the name of every temporary file. Programs that list or sync directories in which kubedist writes can
// leave such names out.
const Prefix = ".kubedist-tmp-"

// A File is written beside its destination until Commit puts it there. It is not safe for concurrent use.
type File struct {
	tmp  *os.File
	path string
	mode fs.FileMode
	err  error // the first error of Write, which Commit repeats
	done bool
}

// Create begins to replace path, whose directory must exist. The file gets mode whatever the umask is. Either Commit
// or Abort must follow; Abort after Commit does nothing, so it can be deferred.
func Create(path string, mode fs.FileMode) (*File, error) {
	dir := filepath.Dir(path)
	for {
		tmp, err := os.CreateTemp(dir, Prefix+"*")
		if err != nil {
			return nil, Explain(dir, fmt.Errorf("creating a file beside %s: %w", path, err))
		}
		if claim(tmp) {
			return &File{tmp: tmp, path: path, mode: mode}, nil
		}
		// A concurrent Clean took the file for a leftover before it was locked. It removes it; so does this.
		_ = tmp.Close()
		_ = os.Remove(tmp.Name())
	}
}

// Write appends p to the file. After an error the file cannot be committed.
func (f *File) Write(p []byte) (int, error) {
	n, err := f.tmp.Write(p)
	if err != nil && f.err == nil {
		f.err = err
	}
	return n, err
}

// Commit syncs the file, renames it to its destination and syncs the directory. When it returns an error the
// temporary file is gone, and the destination is as it was, unless the error came from the directory's sync, when
// the new file is in place but might not survive a loss of power. An error about a full disk carries a hint.
func (f *File) Commit() error { return f.CommitAs(filepath.Base(f.path)) }

// CommitAs is Commit to another name in the same directory, for content that gives the file its name.
func (f *File) CommitAs(name string) error {
	f.path = filepath.Join(filepath.Dir(f.path), name)
	if f.done {
		return fmt.Errorf("committing %s: %w", f.path, fs.ErrClosed)
	}
	defer f.Abort()
	dir := filepath.Dir(f.path)
	if err := errors.Join(f.err, f.tmp.Chmod(f.mode)); err != nil {
		return Explain(dir, fmt.Errorf("writing %s: %w", f.path, err))
	}
	if err := f.tmp.Sync(); err != nil {
		return Explain(dir, fmt.Errorf("syncing %s: %w", f.path, err))
	}
	// Renamed before it is closed, for closing gives up the lock that keeps Clean away.
	if err := os.Rename(f.tmp.Name(), f.path); err != nil {
		return Explain(dir, fmt.Errorf("putting %s in place: %w", f.path, err))
	}
	f.done = true
	if err := f.tmp.Close(); err != nil {
		return Explain(dir, fmt.Errorf("closing %s: %w", f.path, err))
	}
	return SyncDir(dir)
}

// Abort gives the file up and removes what was written of it.
func (f *File) Abort() {
	if f.done {
		return
	}
	f.done = true
	// Nothing is left to do about an error here; the next Clean finds what could not be removed.
	_ = os.Remove(f.tmp.Name())
	_ = f.tmp.Close()
}

// Write replaces path by what fill writes. When fill returns an error or panics, nothing is left behind and path is as
// it was. fill's own error is returned as it is, except that one about a full disk names the directory and carries a
// hint. The writer must not be used after fill returns.
func Write(path string, mode fs.FileMode, fill func(io.Writer) error) error {
	f, err := Create(path, mode)
	if err != nil {
		return err
	}
	defer f.Abort()
	if err := fill(f); err != nil {
		return Explain(filepath.Dir(path), err)
	}
	return f.Commit()
}

// WriteFile replaces path by data. Its errors are those of [File.Commit].
func WriteFile(path string, data []byte, mode fs.FileMode) error {
	return Write(path, mode, func(w io.Writer) error {
		if _, err := w.Write(data); err != nil {
			return fmt.Errorf("writing %s: %w", path, err)
		}
		return nil
	})
}

// SyncDir makes the names in dir durable: those created, renamed and removed before the call.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("syncing directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("syncing directory %s: %w", dir, err)
	}
	return nil
}

// Clean removes the temporary files that killed processes left in dir and returns their names, sorted. It does not
// descend, it leaves alone what a running process still writes, and a missing dir is nothing to clean.
func Clean(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cleaning: %w", err)
	}
	var removed []string
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), Prefix) || !entry.Type().IsRegular() {
			continue
		}
		gone, err := removeLeftover(filepath.Join(dir, entry.Name()))
		if err != nil {
			return removed, fmt.Errorf("cleaning %s: %w", dir, err)
		}
		if gone {
			removed = append(removed, entry.Name())
		}
	}
	return removed, nil
}

// removeLeftover removes one temporary file unless its writer lives. Losing a race against that writer's own rename or
// removal is no error.
func removeLeftover(path string) (bool, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	if tryLock(f) != lockHeld || !linked(f) {
		return false, nil
	}
	err = os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// claim locks a temporary file that was just created. It reports whether the file is the caller's, which it is not when
// a Clean came in between. Where files cannot be locked Clean removes nothing, so there is nothing to fear either.
func claim(f *os.File) bool {
	switch tryLock(f) {
	case lockHeld:
		return linked(f)
	case lockBusy:
		return false
	default:
		return true
	}
}

// linked reports whether f's name still leads to f.
func linked(f *os.File) bool {
	byName, err := os.Lstat(f.Name())
	if err != nil {
		return false
	}
	byHandle, err := f.Stat()
	return err == nil && os.SameFile(byName, byHandle)
}

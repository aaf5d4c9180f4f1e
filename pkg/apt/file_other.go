//go:build !linux

package apt

import (
	"io/fs"
	"os"
	"time"
)

// file is an open regular file.
type file struct{ *os.File }

// openFile is os.OpenFile for regular files.
func openFile(name string, flags int, mode uint32) (*file, error) {
	f, err := os.OpenFile(name, flags, os.FileMode(mode))
	return &file{f}, err
}

// whole gives the file to an os.File, which can do all else and is to be closed in its place.
func (f *file) whole() *os.File { return f.File }

func rename(from, to string) error { return os.Rename(from, to) }

// sizeOf gives the size of a regular file, -1 when it is none; a symbolic link is followed where that is asked for.
func sizeOf(name string, follow bool) (int64, error) {
	stat := os.Lstat
	if follow {
		stat = os.Stat
	}
	info, err := stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return -1, err
	}
	return info.Size(), nil
}

// look is os.Lstat without a FileInfo.
func look(name string) (mode fs.FileMode, size int64, modified time.Time, err error) {
	info, err := os.Lstat(name)
	if err != nil {
		return 0, 0, time.Time{}, err
	}
	return info.Mode(), info.Size(), info.ModTime(), nil
}

package apt

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// file is an open regular file. An [os.File] is made for what may have to be waited for, too: it asks the kernel what it
// has, keeps count of who uses it and watches that it is closed, which for small packages costs more than to read them.
// A file must be closed, and is not safe for concurrent use.
type file struct {
	fd   int
	name string
}

// openFile is os.OpenFile for regular files.
func openFile(name string, flags int, mode uint32) (*file, error) {
	f := &file{name: name}
	var err error
	f.fd, err = f.try("open", func() (int, error) { return unix.Open(name, flags|unix.O_CLOEXEC, mode) })
	if err != nil {
		return nil, err
	}
	return f, nil
}

// try calls the kernel until no signal comes between.
func (f *file) try(operation string, call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err == nil {
			return n, nil
		}
		if !errors.Is(err, unix.EINTR) {
			return 0, &os.PathError{Op: operation, Path: f.name, Err: err}
		}
	}
}

func (f *file) Read(p []byte) (int, error) {
	n, err := f.try("read", func() (int, error) { return unix.Read(f.fd, p) })
	if n == 0 && err == nil && len(p) > 0 {
		return 0, io.EOF
	}
	return n, err
}

func (f *file) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n, err := f.try("write", func() (int, error) { return unix.Write(f.fd, p[done:]) })
		if err != nil {
			return done, err
		}
		done += n
	}
	return done, nil
}

func (f *file) Chmod(mode os.FileMode) error {
	_, err := f.try("chmod", func() (int, error) { return 0, unix.Fchmod(f.fd, uint32(mode.Perm())) })
	return err
}

func (f *file) Sync() error {
	_, err := f.try("fsync", func() (int, error) { return 0, unix.Fsync(f.fd) })
	return err
}

// Close is not tried again: after a signal, too, Linux has closed it.
func (f *file) Close() error {
	if err := unix.Close(f.fd); err != nil && !errors.Is(err, unix.EINTR) {
		return &os.PathError{Op: "close", Path: f.name, Err: err}
	}
	return nil
}

// whole gives the file to an os.File, which can do all else and is to be closed in its place.
func (f *file) whole() *os.File { return os.NewFile(uintptr(f.fd), f.name) }

// rename is os.Rename without looking first what the new name is.
func rename(from, to string) error {
	for {
		err := unix.Rename(from, to)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EINTR) {
			return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
		}
	}
}

// sizeOf gives the size of a regular file, -1 when it is none; a symbolic link is followed where that is asked for.
func sizeOf(name string, follow bool) (int64, error) {
	flags := unix.AT_SYMLINK_NOFOLLOW
	if follow {
		flags = 0
	}
	var stat unix.Stat_t
	if err := statInto(&stat, name, flags); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFREG {
		return -1, err
	}
	return stat.Size, nil
}

// look is os.Lstat without a FileInfo.
func look(name string) (mode fs.FileMode, size int64, modified time.Time, err error) {
	var stat unix.Stat_t
	if err := statInto(&stat, name, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return 0, 0, time.Time{}, err
	}
	if kind := stat.Mode &^ 0o777; kind != unix.S_IFREG && kind != unix.S_IFDIR {
		info, err := os.Lstat(name)
		if err != nil {
			return 0, 0, time.Time{}, err
		}
		return info.Mode(), info.Size(), info.ModTime(), nil
	}
	mode = fs.FileMode(stat.Mode & 0o777)
	if stat.Mode&unix.S_IFMT == unix.S_IFDIR {
		mode |= fs.ModeDir
	}
	return mode, stat.Size, time.Unix(stat.Mtim.Unix()), nil
}

func statInto(stat *unix.Stat_t, name string, flags int) error {
	for {
		err := unix.Fstatat(unix.AT_FDCWD, name, stat, flags)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EINTR) {
			return &os.PathError{Op: "stat", Path: name, Err: err}
		}
	}
}

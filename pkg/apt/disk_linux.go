package apt

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// canSyncAll tells whether syncAll is there to be used.
func (d *disk) canSyncAll() bool { return d.dir != nil }

// syncAll makes everything on the archive's file system durable (syncfs(2)). Since Linux 5.8 it tells of all that could
// not be written since the root was opened.
func (d *disk) syncAll() error {
	conn, err := d.dir.SyscallConn()
	if err != nil {
		return err
	}
	var syncErr error
	if err := conn.Control(func(fd uintptr) { syncErr = unix.Syncfs(int(fd)) }); err != nil {
		return err
	}
	if syncErr != nil {
		return fmt.Errorf("syncing the file system of %s: %w", d.root, syncErr)
	}
	return nil
}

// openFile is os.OpenFile for regular files. That asks the kernel in five calls whether it can tell when there is more to
// read, which of these files it cannot; for small packages those cost more than to read them.
func openFile(name string, flags int, mode uint32) (*os.File, error) {
	for {
		fd, err := unix.Open(name, flags|unix.O_CLOEXEC, mode)
		if err == nil {
			return os.NewFile(uintptr(fd), name), nil
		}
		if !errors.Is(err, unix.EINTR) {
			return nil, &os.PathError{Op: "open", Path: name, Err: err}
		}
	}
}

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

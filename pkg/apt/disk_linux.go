package apt

import (
	"fmt"

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

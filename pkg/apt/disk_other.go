//go:build !linux

package apt

import "os"

// canSyncAll tells whether syncAll is there to be used.
func (*disk) canSyncAll() bool { return false }

func (*disk) syncAll() error { return nil }

// openFile is os.OpenFile for regular files.
func openFile(name string, flags int, mode uint32) (*os.File, error) {
	return os.OpenFile(name, flags, os.FileMode(mode))
}

func rename(from, to string) error { return os.Rename(from, to) }

package atomicfile

import (
	"os"

	"golang.org/x/sys/unix"
)

// SyncTree brings all files below a new directory to the disk, before the directory gets its name. One call for the file
// system is seconds faster than one fsync for each of thirty thousand files.
func SyncTree(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}

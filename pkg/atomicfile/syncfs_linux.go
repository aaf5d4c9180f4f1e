package source

import (
	"os"

	"golang.org/x/sys/unix"
)

// flush brings the files of a new tree to the disk before the tree gets its name. One call for the file system is
// seconds faster than one fsync for each of thirty thousand files.
func flush(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}

package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// dirMode is the mode of directories that others, such as a web server, are to read.
const dirMode fs.FileMode = 0o755

// Mkdir makes one directory with mode 0755 whatever the umask is; a set-group-ID bit that the parent hands down stays.
// It reports whether it made the directory: one that is there already, or that a link leads to, is left as it is.
// The new name is not durable until [SyncDir] of the parent. An error about a full disk carries a hint.
func Mkdir(path string) (made bool, err error) {
	if err := os.Mkdir(path, dirMode); err != nil {
		if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
			return false, nil
		}
		return false, Explain(filepath.Dir(path), fmt.Errorf("making a directory: %w", err))
	}
	info, err := os.Lstat(path)
	if err == nil && info.Mode().Perm() != dirMode {
		err = os.Chmod(path, info.Mode()&fs.ModeSetgid|dirMode)
	}
	if err != nil {
		return true, fmt.Errorf("making a directory: %w", err)
	}
	return true, nil
}

// MkdirAll makes a directory and those of its parents that are missing, each as [Mkdir] does.
func MkdirAll(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil
	case errors.Is(err, fs.ErrNotExist):
		if parent := filepath.Dir(path); parent != path {
			if err := MkdirAll(parent); err != nil {
				return err
			}
		}
	}
	_, err = Mkdir(path)
	return err
}

package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// CheckWritable tells early whether names can be made in the directory dir, or dir itself where it is not there yet. It
// creates nothing. A nil error is no promise: the disk may fill, and some file systems decide only when written to.
func CheckWritable(dir string) error {
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if errors.Is(err, fs.ErrNotExist) && filepath.Dir(at) != at {
			continue
		}
		if err != nil {
			return fmt.Errorf("directory %s: %w", dir, err)
		}
		if !info.IsDir() {
			return fmt.Errorf("directory %s: %s is no directory", dir, at)
		}
		if err := accessible(at); err != nil {
			return fmt.Errorf("directory %s: writing in %s: %w", dir, at, err)
		}
		return nil
	}
}

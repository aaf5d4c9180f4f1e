package atomicfile

import (
	"errors"
	"fmt"
	"syscall"

	"kubedist/pkg/hint"
)

// Explain adds to an error about a full or a read-only disk, met while writing in or below dir, a hint that names dir, and
// how much space is left there. Other errors, and those that carry a hint already, pass as they are; so does nil.
func Explain(dir string, err error) error {
	switch {
	case hint.Of(err) != "":
		return err
	case errors.Is(err, syscall.EROFS):
		return hint.With(err, fmt.Sprintf("mount the file system of %s writable, or write to another directory, then run the same command again", dir))
	case !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT):
		return err
	}
	space := ""
	if free, total, ok := diskSpace(dir); ok {
		space = fmt.Sprintf(", %s of %s free", mebibytes(free), mebibytes(total))
	}
	return hint.With(fmt.Errorf("%w (directory %s%s)", err, dir, space),
		fmt.Sprintf("free space on the file system of %s, or write to another directory, then run the same command again", dir))
}

// mebibytes prints a number of bytes the way a person compares it with df.
func mebibytes(n uint64) string { return fmt.Sprintf("%d MiB", n>>20) }

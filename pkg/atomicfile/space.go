package atomicfile

import (
	"errors"
	"fmt"
	"syscall"

	"kubedist/pkg/hint"
)

// explain adds to an error about a full disk which directory is full, how much space it has and what to do. Other
// errors pass as they are.
func explain(dir string, err error) error {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
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

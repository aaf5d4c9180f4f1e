//go:build unix

package atomicfile

import (
	"errors"

	"golang.org/x/sys/unix"
)

// accessible asks the kernel whether this process may make names in dir.
func accessible(dir string) error {
	for {
		if err := unix.Access(dir, unix.W_OK|unix.X_OK); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

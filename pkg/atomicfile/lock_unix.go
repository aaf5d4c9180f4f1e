//go:build unix && !solaris && !aix

package atomicfile

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// tryLock takes the whole-file lock of flock(2), which the kernel frees when the process dies, however it dies.
func tryLock(f *os.File) lockState {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return lockHeld
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EWOULDBLOCK):
			return lockBusy
		default:
			return lockUnsupported
		}
	}
}

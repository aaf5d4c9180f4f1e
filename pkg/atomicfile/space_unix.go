//go:build linux || darwin

package atomicfile

import "golang.org/x/sys/unix"

// diskSpace returns the bytes that an unprivileged user may still write in dir's file system, and its size.
func diskSpace(dir string) (free, total uint64, ok bool) {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return 0, 0, false
	}
	block := uint64(s.Bsize)
	return s.Bavail * block, s.Blocks * block, true
}

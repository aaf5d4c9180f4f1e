package build

import "golang.org/x/sys/unix"

// availableMemory is three quarters of what the machine has: macOS gives cached memory back when it is asked for.
func availableMemory() uint64 {
	size, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return 4 << 30
	}
	return size / 4 * 3
}

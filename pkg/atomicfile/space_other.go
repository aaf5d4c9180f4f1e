//go:build !linux && !darwin

package atomicfile

func diskSpace(string) (free, total uint64, ok bool) { return 0, 0, false }

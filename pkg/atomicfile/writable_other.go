//go:build !unix

package atomicfile

func accessible(string) error { return nil }

//go:build !unix || solaris || aix

package atomicfile

import "os"

func tryLock(*os.File) lockState { return lockUnsupported }

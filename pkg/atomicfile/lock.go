package atomicfile

// A lockState is the outcome of an attempt to lock a file.
type lockState int

const (
	lockHeld        lockState = iota // this process holds the lock until it closes the file
	lockBusy                         // someone else holds it
	lockUnsupported                  // the operating system or file system has no such locks
)

//go:build !linux

package apt

// canSyncAll tells whether syncAll is there to be used.
func (*disk) canSyncAll() bool { return false }

func (*disk) syncAll() error { return nil }

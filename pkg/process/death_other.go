//go:build !linux

package process

import "os/exec"

// dieWithParent does nothing: these systems cannot tie the life of a process to that of its parent.
func dieWithParent(*exec.Cmd) {}

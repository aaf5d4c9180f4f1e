//go:build !linux

package buildroot

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"runtime"

	"kubedist/pkg/hint"
)

const hintRefused = hintOwn

// errOther is what the package has to say on other systems, where Open already says it.
func errOther() error {
	return hint.Errorf("compile on Linux, or "+hintOwn, "running inside of a tool chain: %w: this is %s", ErrMachine, runtime.GOOS)
}

// Wrap fails on this system.
func (r *Root) Wrap(*exec.Cmd, []Bind) error { return errOther() }

// Check fails on this system.
func (r *Root) Check(context.Context) error { return errOther() }

// Enter fails on this system.
func Enter(_ string, _, _ []string, stderr io.Writer) (status int) {
	fmt.Fprintf(stderr, "kubedist: %v\n", errOther())
	return StatusFailed
}

func refused(error) bool { return false }

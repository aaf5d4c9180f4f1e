// Package process runs compilers and the processes that they start: all of them end when the context ends, and on Linux when
// this process is killed. It knows nothing of what they do.
package process

import (
	"context"
	"os/exec"
	"runtime"
	"time"
)

// gracePeriod is how long a stopped command and what it runs have before they are killed.
const gracePeriod = 5 * time.Second

// Isolate puts cmd, which comes of exec.CommandContext, into a process group of its own. The end of its context is then a
// SIGTERM to the whole group, SIGKILL after five seconds; the end of this process a SIGKILL to the command, on Linux. It
// replaces cmd.SysProcAttr.
func Isolate(cmd *exec.Cmd) {
	cmd.WaitDelay = gracePeriod
	ownGroup(cmd)
	dieWithParent(cmd)
}

// Run runs an isolated command to its end, and when ctx has ended sees to it that nothing of its group is left.
func Run(ctx context.Context, cmd *exec.Cmd) error {
	// The kernel takes the end of the thread that started a process for the end of its parent. As long as this goroutine
	// keeps the thread, no other one can lock it and end it by returning.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Run()
	if ctx.Err() != nil {
		killGroup(cmd)
	}
	return err
}

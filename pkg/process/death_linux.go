package process

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel kill the command when the thread that starts it ends (PR_SET_PDEATHSIG), so that a
// killed kubedist leaves no build running. The go command keeps this when it replaces itself by another toolchain; its
// children do not inherit it.
func dieWithParent(cmd *exec.Cmd) { cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL }

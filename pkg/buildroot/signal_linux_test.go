package buildroot_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kubedist/pkg/buildroot"
)

// waiting starts the helper inside, which waits for a signal, and returns what it writes.
func waiting(t *testing.T, change func(*exec.Cmd)) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	inside, root := helper(t), newRoot(t)
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	// Both ends, so that opening does not wait; a deadline, so that reading does not either.
	both, err := os.OpenFile(pipe, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { both.Close() })
	if err := both.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/inside", "wait", "/pipe/pipe")
	cmd.Stderr = os.Stderr
	change(cmd)
	if err := root.Wrap(cmd, []buildroot.Bind{{Host: inside, Inside: "/inside"}, {Host: dir, Inside: "/pipe", Writable: true}}); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewReader(both)
}

// The process that is started is the command: it has the group that was asked for, and a signal to the group reaches it.
func TestSignals(t *testing.T) {
	t.Parallel()
	cmd, said := waiting(t, func(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} })
	line, err := said.ReadString('\n')
	if err != nil || line != fmt.Sprintf("started %d\n", cmd.Process.Pid) {
		t.Errorf("says %q, %v; it is %d", line, err, cmd.Process.Pid)
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil { // which it ignores
		t.Fatal(err)
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if line, err := said.ReadString('\n'); err != nil || line != "got terminated\n" {
		t.Errorf("says %q, %v", line, err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 9 {
		t.Errorf("ends with %v", err)
	}
}

// TestForParent is not a test of its own: it is the process that TestDiesWithItsParent kills.
func TestForParent(t *testing.T) {
	name := os.Getenv("BUILDROOT_TEST_PARENT")
	if name == "" {
		return
	}
	cmd, said := waiting(t, func(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL} })
	if _, err := said.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(f, "%d\n", cmd.Process.Pid)
	_ = cmd.Wait()
	t.Error("the command ended before its parent")
}

// A wrapped command that is to die with its parent does, although two programs were executed on the way to it.
func TestDiesWithItsParent(t *testing.T) {
	t.Parallel()
	inside := helper(t)
	newRoot(t) // skips where there are no roots
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	parent := exec.Command("/proc/self/exe", "-test.run=^TestForParent$")
	parent.Env = append(os.Environ(), "BUILDROOT_TEST_HELPER="+inside, "BUILDROOT_TEST_PARENT=/dev/fd/3", "TMPDIR="+t.TempDir())
	parent.ExtraFiles = []*os.File{w}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if err := r.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(r, &pid); err != nil {
		t.Fatal(err)
	}
	child, err := unix.PidfdOpen(pid, 0) // a handle, so that no later process is taken for it
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(child)
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it says that the process was killed
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(child), Events: unix.POLLIN}}, 20_000)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			_ = unix.Kill(pid, unix.SIGKILL)
			t.Errorf("the command outlived its parent: %v", err)
		}
		return
	}
}

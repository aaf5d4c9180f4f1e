package buildroot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"kubedist/pkg/hint"
)

// hintRefused says what helps where the system allows no root of one's own.
const hintRefused = "run as root, or allow user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns; of a container, its seccomp profile); or " + hintOwn

// self is this program, also when its file was replaced.
const self = "/proc/self/exe"

// Wrap changes cmd, whose Path, Args, Dir and Env are those inside of the root, so that it runs there. Path must be
// absolute; Dir "" is "/", and Env nil is empty: nothing is taken over from this process. Files and process attributes
// stay as they are, so that Wrap belongs after them: process groups, Pdeathsig and the context's end work as without.
// Each bind's Host must be there. Its Inside needs not, except in a directory that packages or another bind have: the
// tool chain's Directories are there for that.
//
// Inside there are the root's files, read-only, beside /proc, the devices null, zero, full, random and urandom, and /tmp,
// in memory where no bind brings another. Several commands may run beside each other.
func (r *Root) Wrap(cmd *exec.Cmd, binds []Bind) error {
	if cmd.Err != nil {
		return cmd.Err
	}
	if !isInside(cmd.Path) {
		return fmt.Errorf("running %s inside of the tool chain %s: not the clean absolute path of a program there", cmd.Path, r.suite)
	}
	o := order{Program: cmd.Path, Name: cmd.Path, Dir: cmd.Dir}
	var args []string
	if len(cmd.Args) > 0 {
		o.Name, args = cmd.Args[0], cmd.Args[1:]
	}
	if err := r.wrap(cmd, o, args, binds); err != nil {
		return fmt.Errorf("running %s inside of the tool chain %s: %w", o.Program, r.suite, err)
	}
	return nil
}

func (r *Root) wrap(cmd *exec.Cmd, o order, args []string, binds []Bind) error {
	o.Root, o.Mount = r.Dir(), r.mount()
	if o.Dir == "" {
		o.Dir = "/"
	}
	o.Binds = slices.SortedFunc(slices.Values(binds), func(a, b Bind) int { return strings.Compare(a.Inside, b.Inside) })
	for i, b := range o.Binds {
		// Links are followed now: inside of a link's directory is not where it was.
		host, err := filepath.EvalSymlinks(b.Host)
		if err != nil {
			return err
		}
		o.Binds[i].Host = host
	}
	if err := o.check(); err != nil {
		return err
	}
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	cmd.Path, cmd.Args, cmd.Dir = self, append([]string{programName}, args...), "/"
	cmd.Env = append(slices.Clone(cmd.Env), orderVariable+"="+string(text))
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	return isolate(cmd.SysProcAttr)
}

// isolate gives the process a mount namespace, and a user namespace where its user may not mount: one in which the user is
// the same and may.
func isolate(attr *syscall.SysProcAttr) error {
	attr.Cloneflags |= unix.CLONE_NEWNS
	may, err := mayMount()
	if err != nil || may {
		return err
	}
	attr.Cloneflags |= unix.CLONE_NEWUSER
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
	// A program loses what its user may when it is executed, but for what is ambient (capabilities(7)).
	attr.AmbientCaps = append(attr.AmbientCaps, unix.CAP_SYS_ADMIN)
	return nil
}

// mayMount reports whether this process may mount without a user namespace: root may, outside of most containers.
func mayMount() (bool, error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false, fmt.Errorf("reading capabilities: %w", err)
	}
	return os.Geteuid() == 0 && data[0].Effective&(1<<unix.CAP_SYS_ADMIN) != 0, nil
}

// Check tells whether this machine runs commands inside of the root, by putting it together for nothing. Where the system
// refuses that, the error wraps ErrRefused and says what helps.
func (r *Root) Check(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, self)
	var said strings.Builder
	cmd.Stderr = &said
	if err := r.wrap(cmd, order{}, nil, nil); err != nil {
		return fmt.Errorf("tool chain %s: %w", r.suite, err)
	}
	err := cmd.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		first, _, _ := strings.Cut(said.String(), "\n")
		err = hint.Errorf(hintRefused, "%w: %s (%w)", ErrRefused, strings.TrimPrefix(first, complaint), err)
	}
	if err != nil {
		return fmt.Errorf("tool chain %s: %w", r.suite, Explain(err))
	}
	return nil
}

// refused tells from the error of a command that was not started whether the system refused it namespaces of its own:
// with EPERM, or with ENOSPC, EUSERS or EINVAL where there may be none or no more of them (clone(2)).
func refused(err error) bool {
	var at *os.PathError
	if errors.Is(err, ErrRefused) || !errors.As(err, &at) || at.Path != self {
		return false
	}
	return slices.ContainsFunc([]error{unix.EPERM, unix.EACCES, unix.ENOSPC, unix.EUSERS, unix.EINVAL, unix.ENOSYS}, func(e error) bool { return errors.Is(at.Err, e) })
}

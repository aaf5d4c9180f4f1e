package buildroot

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"kubedist/pkg/hint"
)

// complaint begins what Enter writes.
const complaint = "kubedist: build root: "

// Enter puts the root of an order together and becomes the order's program, with the arguments args, which do not include
// its name, and the environment environ. It returns when that fails, after it has said why on stderr, with the exit
// status for it; and where there is no program.
func Enter(text string, args, environ []string, stderr io.Writer) (status int) {
	err := enter(text, args, environ)
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "%s%v\n", complaint, err)
	if next := hint.Of(err); next != "" {
		fmt.Fprintf(stderr, "hint: %s\n", next)
	}
	return StatusFailed
}

func enter(text string, args, environ []string) error {
	o, err := parseOrder(text)
	if err != nil {
		return fmt.Errorf("order: %w", err)
	}
	runtime.LockOSThread() // capabilities are a thread's
	if err := o.assemble(); err != nil {
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
			err = hint.With(fmt.Errorf("%w: %w", ErrRefused, err), hintRefused)
		}
		return err
	}
	if o.Program == "" {
		return nil
	}
	if err := os.Chdir(o.Dir); err != nil {
		return err
	}
	// What had to be allowed to mount is not passed on.
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("giving up capabilities: %w", err)
	}
	environ = slices.DeleteFunc(slices.Clone(environ), func(e string) bool { return strings.HasPrefix(e, orderVariable+"=") })
	err = unix.Exec(o.Program, append([]string{o.Name}, args...), environ)
	return fmt.Errorf("%s: %w", o.Program, err)
}

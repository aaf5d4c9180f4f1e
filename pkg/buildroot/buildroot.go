// Package buildroot makes roots to compile programs with cgo in, and runs commands inside of them. A root holds the C
// compilers of a Debian release, unpacked from the packages that a [spec.Toolchain] locks: the same files on any machine,
// whatever Debian or the machine does.
//
//	root, err := buildroot.Fetch(ctx, buildroot.Options{Toolchain: toolchain, CacheDir: cache, Config: mirror.AptDir})
//	…
//	err = root.Check(ctx) // whether this machine can run anything inside
//	…
//	cmd := exec.CommandContext(ctx, "/usr/local/go/bin/go", "build", …) // as it is to run inside
//	cmd.Dir, cmd.Env = "/go/src/k8s.io/kubernetes", []string{"CGO_ENABLED=1", "CC=aarch64-linux-gnu-gcc", …}
//	err = root.Wrap(cmd, []buildroot.Bind{
//		{Host: goroot, Inside: "/usr/local/go"},
//		{Host: tree, Inside: "/go/src/k8s.io/kubernetes"},
//		{Host: output, Inside: "/out", Writable: true},
//	})
//	err = buildroot.Explain(cmd.Run())
//
// The program's main hands over to [Enter] when [Asked] says so, before it does anything else: a wrapped command starts
// as this program once more, in mount and user namespaces of its own, which puts the root together and becomes the
// command. So signals, process groups and exit statuses are the command's own, root rights are not needed, and nothing
// of it is seen outside. It is no sandbox: what runs inside has the rights and the network of whoever started it.
//
// The package runs no scripts of packages, and knows neither what is compiled nor how. It works on Linux alone.
package buildroot

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"

	"kubedist/pkg/debroot"
	"kubedist/pkg/hint"
	"kubedist/pkg/spec"
)

// hintOwn says what to do on a machine that can have no root.
const hintOwn = "bring C compilers of your own, named by platform, such as CC_linux_arm64=aarch64-linux-gnu-gcc"

// What is wrong when an error wraps one of these.
var (
	// ErrNotFetched is a root that the cache does not have.
	ErrNotFetched = debroot.ErrNotFetched
	// ErrMachine is a machine on which what is in the root cannot run.
	ErrMachine = errors.New("does not run on this machine")
	// ErrRefused is a machine on which commands cannot be run in a root of their own.
	ErrRefused = errors.New("the system does not allow a root of one's own")
)

// Root is a root in the cache: complete, and never written to.
type Root struct {
	suite string
	dir   string // absolute
}

// Dir is the directory of the root's files, absolute. It is to be read, and never to be written to.
func (r *Root) Dir() string { return filepath.Join(r.dir, "root") }

// mount is an empty directory of the host, for mounts that nobody outside sees.
func (r *Root) mount() string { return filepath.Join(r.dir, "mount") }

// Open returns the root of a tool chain from the cache directory, without the network. A root that is not there is an
// error that wraps ErrNotFetched; see [Fetch].
func Open(t spec.Toolchain, cache string) (*Root, error) {
	if err := usable(t, runtime.GOOS, runtime.GOARCH); err != nil {
		return nil, err
	}
	dir, err := debroot.Open(storeIn(cache), name(t))
	if errors.Is(err, ErrNotFetched) {
		err = hint.Errorf("run kubedist toolchain fetch "+t.Suite, "tool chain %s: %w", t.Suite, err)
	}
	if err != nil {
		return nil, err
	}
	return &Root{suite: t.Suite, dir: dir}, nil
}

// machines are Debian's names of the architectures that Go compiles for, where both have one.
var machines = map[string]string{"amd64": "amd64", "arm64": "arm64", "386": "i386", "arm": "armhf", "ppc64le": "ppc64el", "riscv64": "riscv64", "s390x": "s390x", "loong64": "loong64"}

// usable refuses a tool chain whose programs do not run on a machine.
func usable(t spec.Toolchain, goos, goarch string) error {
	switch {
	case goos != "linux":
		return hint.Errorf("compile on Linux, or "+hintOwn, "tool chain %s: %w: it is of Linux programs, this is %s", t.Suite, ErrMachine, goos)
	case machines[goarch] != t.Architecture:
		return hint.Errorf("compile on a machine of that architecture, or "+hintOwn, "tool chain %s: %w: it is for %s, this is %s", t.Suite, ErrMachine, t.Architecture, goarch)
	case len(t.Locked) == 0:
		return hint.Errorf("run kubedist toolchain lock "+t.Suite, "tool chain %s: no packages are locked", t.Suite)
	case len(t.Unlocked()) > 0:
		return hint.Errorf("run kubedist toolchain lock "+t.Suite, "tool chain %s: %s is asked for and not locked", t.Suite, t.Unlocked()[0])
	}
	return nil
}

// Explain adds to the error of a wrapped command what to do when the system refused it a root; other errors pass as they
// are, and so does nil. Errors inside of the root, with exit status [StatusFailed], are explained where they are written.
func Explain(err error) error {
	if refused(err) {
		return hint.With(fmt.Errorf("%w: %w", ErrRefused, err), hintRefused)
	}
	return err
}

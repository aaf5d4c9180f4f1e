package buildroot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"kubedist/pkg/hint"
)

// assembly is a root being put together on a file system in memory, below which everything else is mounted. It lies over
// an empty directory of the host, in a mount namespace of its own: nobody else sees any of it, and it ends with the last
// process in it.
type assembly struct {
	dir     string // on the host
	root    *os.Root
	mounted []string // paths inside that something is mounted at
}

// assemble makes the root of the order that of this process.
func (o order) assemble() error {
	// Mounts made here must not show outside, as they would where the host shares them.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keeping mounts to oneself: %w", err)
	}
	if err := unix.Mount("tmpfs", o.Mount, "tmpfs", unix.MS_NOSUID, "mode=755"); err != nil {
		return fmt.Errorf("mounting at %s: %w", o.Mount, err)
	}
	root, err := os.OpenRoot(o.Mount)
	if err != nil {
		return err
	}
	defer root.Close()
	a := &assembly{dir: o.Mount, root: root}
	for _, step := range []func() error{
		func() error { return a.files(o.Root) },
		a.devices,
		func() error { return a.bind(Bind{Host: "/proc", Inside: "/proc", Writable: true}) },
		func() error { return a.temp(o.Binds) },
		func() error { return a.binds(o.Binds) },
		a.seal,
		a.enter,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// files mounts the files of the root, each of its topmost directories for itself, so that there may be others beside.
func (a *assembly) files(from string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch e.Name() {
		case "dev", "proc", "tmp":
			continue
		}
		if e.Type() != fs.ModeSymlink {
			if err := a.bind(Bind{Host: filepath.Join(from, e.Name()), Inside: "/" + e.Name()}); err != nil {
				return err
			}
			continue
		}
		target, err := os.Readlink(filepath.Join(from, e.Name()))
		if err == nil {
			err = a.root.Symlink(target, e.Name())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// devices makes /dev, of devices of the host: nobody but root may make new ones.
func (a *assembly) devices() error {
	if err := a.mkdir("dev/shm"); err != nil {
		return err
	}
	for _, name := range []string{"null", "zero", "full", "random", "urandom"} {
		if err := a.bind(Bind{Host: "/dev/" + name, Inside: "/dev/" + name, Writable: true}); err != nil {
			return err
		}
	}
	for name, target := range map[string]string{"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"} {
		if err := a.root.Symlink(target, "dev/"+name); err != nil {
			return err
		}
	}
	return nil
}

// temp makes /tmp, in memory where none of the binds brings another.
func (a *assembly) temp(binds []Bind) error {
	if err := a.mkdir("tmp"); err != nil {
		return err
	}
	for _, b := range binds {
		if b.Inside == "/tmp" {
			return nil
		}
	}
	if err := unix.Mount("tmpfs", filepath.Join(a.dir, "tmp"), "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777"); err != nil {
		return fmt.Errorf("mounting /tmp: %w", err)
	}
	return nil
}

func (a *assembly) binds(binds []Bind) error {
	for _, b := range binds {
		if err := a.bind(b); err != nil {
			return err
		}
	}
	return nil
}

// bind mounts a file or directory of the host, with all that is mounted below it: an unprivileged user may not show what
// other mounts hide.
func (a *assembly) bind(b Bind) error {
	info, err := os.Stat(b.Host)
	if err != nil {
		return err
	}
	if err := a.place(b.Inside, info.IsDir()); err != nil {
		return err
	}
	at := filepath.Join(a.dir, b.Inside)
	if err := unix.Mount(b.Host, at, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("mounting %s at %s: %w", b.Host, b.Inside, err)
	}
	a.mounted = append(a.mounted, b.Inside)
	if b.Writable {
		return nil
	}
	if err := readOnly(at); err != nil {
		return fmt.Errorf("mounting %s at %s, read-only: %w", b.Host, b.Inside, err)
	}
	return nil
}

// place makes the place that something is mounted at, where that is in memory; anywhere else it must be there.
func (a *assembly) place(inside string, dir bool) error {
	name := strings.TrimPrefix(inside, "/")
	// A link on the way would be followed on the host.
	for at := name; at != "."; at = path.Dir(at) {
		if info, err := a.root.Lstat(at); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return fmt.Errorf("mounting at %s: /%s is a symbolic link", inside, at)
		}
	}
	info, err := a.root.Lstat(name)
	switch {
	case err == nil && info.IsDir() != dir:
		return fmt.Errorf("mounting at %s: one is a directory, the other a file", inside)
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("mounting at %s: %w", inside, err)
	}
	for _, m := range a.mounted {
		if strings.HasPrefix(inside, m+"/") {
			return hint.Errorf("mount it elsewhere, or add it to directories of the tool chain in specs/toolchains", "mounting at %s: it is not there, in %s", inside, m)
		}
	}
	if dir {
		return a.mkdir(name)
	}
	if err := a.mkdir(path.Dir(name)); err != nil {
		return err
	}
	f, err := a.root.Create(name)
	if err != nil {
		return err
	}
	return f.Close()
}

// mkdir makes a directory in memory, with its parents, that all may read.
func (a *assembly) mkdir(name string) error {
	for i, c := range name {
		if c == '/' {
			if err := a.mkdir1(name[:i]); err != nil {
				return err
			}
		}
	}
	return a.mkdir1(name)
}

func (a *assembly) mkdir1(name string) error {
	err := a.root.Mkdir(name, 0o755)
	if errors.Is(err, fs.ErrExist) || name == "." {
		return nil
	}
	if err != nil {
		return err
	}
	return a.root.Chmod(name, 0o755)
}

// seal lets nothing be written that is not meant to be.
func (a *assembly) seal() error {
	if err := readOnly(a.dir); err != nil {
		return fmt.Errorf("sealing the root: %w", err)
	}
	return nil
}

// enter leaves the host's files behind, in the way of pivot_root(2) that needs no directory for them.
func (a *assembly) enter() error {
	if err := os.Chdir(a.dir); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("changing the root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leaving the files of the machine: %w", err)
	}
	return os.Chdir("/")
}

// readOnly makes a mount read-only and leaves the rest of its flags, which nobody but root may lift, as they are.
func readOnly(at string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(at, &st); err != nil {
		return err
	}
	flags := uintptr(unix.MS_REMOUNT | unix.MS_BIND | unix.MS_RDONLY)
	for _, f := range []struct{ has, flag int64 }{
		{unix.ST_NOSUID, unix.MS_NOSUID}, {unix.ST_NODEV, unix.MS_NODEV}, {unix.ST_NOEXEC, unix.MS_NOEXEC},
		{unix.ST_NOATIME, unix.MS_NOATIME}, {unix.ST_NODIRATIME, unix.MS_NODIRATIME}, {unix.ST_RELATIME, unix.MS_RELATIME},
	} {
		if st.Flags&f.has != 0 {
			flags |= uintptr(f.flag)
		}
	}
	return unix.Mount("", at, "", flags, "")
}

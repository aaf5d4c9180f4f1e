package buildroot_test

import (
	"bytes"
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"kubedist/pkg/buildroot"
	"kubedist/pkg/debroot/roottest"
	"kubedist/pkg/mirror"
	"kubedist/pkg/spec"
	"kubedist/specs"
	"kubedist/templates"
)

// bullseye is the root of the tool chain that is committed, from the user's own cache, to which it is fetched when a
// mirror of Debian is known: half a gigabyte.
func bullseye(t *testing.T) *buildroot.Root {
	t.Helper()
	if testing.Short() {
		t.Skip("fetches half a gigabyte")
	}
	s, err := spec.Load(specs.FS, templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	tc, _ := s.Toolchain("bullseye")
	cache := os.Getenv("KUBEDIST_CACHE")
	if cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			t.Skip(err)
		}
		cache = filepath.Join(dir, "kubedist")
	}
	root, err := buildroot.Fetch(t.Context(), buildroot.Options{Toolchain: tc, CacheDir: cache, Config: mirror.AptDir})
	if errors.Is(err, buildroot.ErrMachine) || errors.Is(err, mirror.ErrNone) || errors.Is(err, mirror.ErrGone) || errors.Is(err, mirror.ErrNoAnswer) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := root.Check(t.Context()); errors.Is(err, buildroot.ErrRefused) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	return root
}

// targets are the machines that the tool chain compiles for.
var targets = []struct {
	goarch, gcc string
	machine     elf.Machine
}{
	{"amd64", "gcc", elf.EM_X86_64}, {"arm64", "aarch64-linux-gnu-gcc", elf.EM_AARCH64}, {"arm", "arm-linux-gnueabihf-gcc", elf.EM_ARM},
	{"ppc64le", "powerpc64le-linux-gnu-gcc", elf.EM_PPC64}, {"s390x", "s390x-linux-gnu-gcc", elf.EM_S390},
	{"riscv64", "riscv64-linux-gnu-gcc", elf.EM_RISCV},
}

// run runs a command inside and returns what it writes.
func run(t *testing.T, root *buildroot.Root, cmd *exec.Cmd, binds ...buildroot.Bind) string {
	t.Helper()
	said := strings.Join(cmd.Args, " ")
	cmd.Env = append(cmd.Env, "PATH=/usr/local/go/bin:/usr/bin")
	if err := root.Wrap(cmd, binds); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", said, err, out)
	}
	return string(out)
}

// checkProgram checks for which machine a program is, and that it is linked with the C library.
func checkProgram(t *testing.T, name string, machine elf.Machine) {
	t.Helper()
	f, err := elf.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if libraries, err := f.ImportedLibraries(); err != nil || f.Machine != machine || !strings.Contains(strings.Join(libraries, " "), "libc.so.6") {
		t.Errorf("%s is for %v, with %q, %v", filepath.Base(name), f.Machine, libraries, err)
	}
}

// The compilers of Debian 11 compile C for all machines, and leave the root as it is.
func TestBullseye(t *testing.T) {
	t.Parallel()
	root, src := bullseye(t), t.TempDir()
	before := roottest.Listing(t, root.Dir())
	if err := os.WriteFile(filepath.Join(src, "hello.c"), []byte("#include <pthread.h>\n#include <stdio.h>\nint main(void) { return puts(\"hello\") < 0; }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, target := range targets {
		if said := run(t, root, exec.CommandContext(t.Context(), "/usr/bin/"+target.gcc, "--version")); !strings.Contains(said, "10.2.1") {
			t.Errorf("%s is %s", target.gcc, said)
		}
		cmd := exec.CommandContext(t.Context(), "/usr/bin/"+target.gcc, "-O2", "-g", "hello.c", "-o", target.goarch, "-lpthread")
		cmd.Dir = "/src"
		run(t, root, cmd, buildroot.Bind{Host: src, Inside: "/src", Writable: true})
		checkProgram(t, filepath.Join(src, target.goarch), target.machine)
	}
	if said := run(t, root, exec.CommandContext(t.Context(), "/src/amd64"), buildroot.Bind{Host: src, Inside: "/src"}); said != "hello\n" {
		t.Errorf("it says %q", said)
	}
	if roottest.Listing(t, root.Dir()) != before {
		t.Error("the root is another one now")
	}
}

// The go command compiles cgo inside: the packages net and os/user of its own library.
func TestBullseyeGo(t *testing.T) {
	t.Parallel()
	root := bullseye(t)
	goroot, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	src, out, cache := t.TempDir(), t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"go.mod":  "module example.org/who\n\ngo 1.24\n",
		"main.go": "package main\n\nimport (\n\t\"net\"\n\t\"os/user\"\n)\n\nfunc main() {\n\tu, _ := user.Current()\n\tprintln(u.Uid, net.ParseIP(\"::1\") != nil)\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(src, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, target := range targets[:2] {
		cmd := exec.CommandContext(t.Context(), "/usr/local/go/bin/go", "build", "-trimpath", "-buildvcs=false", "-o", "/out/"+target.goarch, ".")
		cmd.Dir = "/go/src/example.org/who"
		cmd.Env = []string{
			"HOME=/tmp", "GOCACHE=/cache", "GOPATH=/go", "GOENV=off", "GOFLAGS=", "GOTOOLCHAIN=local", "GOPROXY=off",
			"CGO_ENABLED=1", "GOOS=linux", "GOARCH=" + target.goarch,
		}
		if target.goarch != runtime.GOARCH {
			cmd.Env = append(cmd.Env, "CC="+target.gcc)
		}
		run(t, root, cmd, buildroot.Bind{Host: strings.TrimSpace(string(goroot)), Inside: "/usr/local/go"}, buildroot.Bind{Host: src, Inside: cmd.Dir},
			buildroot.Bind{Host: out, Inside: "/out", Writable: true}, buildroot.Bind{Host: cache, Inside: "/cache", Writable: true})
		checkProgram(t, filepath.Join(out, target.goarch), target.machine)
	}
	data, err := os.ReadFile(filepath.Join(out, "amd64"))
	if err != nil || !bytes.Contains(data, []byte("GLIBC_2.")) || bytes.Contains(data, []byte("GLIBC_2.34")) {
		t.Errorf("it is not linked with the C library of Debian 11: %v", err)
	}
}

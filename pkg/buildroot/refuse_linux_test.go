package buildroot_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kubedist/pkg/buildroot"
	"kubedist/pkg/debroot/roottest"
	"kubedist/pkg/hint"
	"kubedist/pkg/spec"
)

// What is wrong is said before anything runs, or else by who would have run it.
func TestWrapRefuses(t *testing.T) {
	t.Parallel()
	root, dir := newRoot(t), t.TempDir()
	for _, c := range []struct {
		name, program, dir string
		binds              []buildroot.Bind
		want               string
	}{
		{"a program by name", "no-such-gcc", "", nil, "no-such-gcc"},
		{"a relative program", "./gcc", "", nil, "not the clean absolute path"},
		{"a program elsewhere", "/usr/../gcc", "", nil, "not the clean absolute path"},
		{"a relative directory", "/gcc", "x", nil, `directory "x" is not`},
		{"a host's file that is not there", "/gcc", "", []buildroot.Bind{{Host: dir + "/x", Inside: "/x"}}, "no such file"},
		{"a relative place", "/gcc", "", []buildroot.Bind{{Host: dir, Inside: "x"}}, `"x" is not a path inside`},
		{"the root itself", "/gcc", "", []buildroot.Bind{{Host: dir, Inside: "/"}}, `"/" is not a path inside`},
		{"a place elsewhere", "/gcc", "", []buildroot.Bind{{Host: dir, Inside: "/../x"}}, `"/../x" is not a path inside`},
		{"a place in /dev", "/gcc", "", []buildroot.Bind{{Host: dir, Inside: "/dev/null"}}, `"/dev/null" is not a path inside`},
		{"a place twice", "/gcc", "", []buildroot.Bind{{Host: dir, Inside: "/x"}, {Host: dir, Inside: "/x"}}, "/x is mounted twice"},
	} {
		cmd := exec.CommandContext(t.Context(), c.program)
		cmd.Dir = c.dir
		if err := root.Wrap(cmd, c.binds); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func TestInsideErrors(t *testing.T) {
	t.Parallel()
	root, dir := newRoot(t), t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, program, dir string
		binds              []buildroot.Bind
		want               string
	}{
		{"no such program", "/usr/bin/none", "", nil, "/usr/bin/none: no such file"},
		{"a program without its interpreter", "/usr/bin/broken", "", nil, "/usr/bin/broken: no such file"},
		{"no such directory", "/usr/bin/broken", "/none", nil, "chdir /none: no such file"},
		{"no place in a package's directory", "/x", "", []buildroot.Bind{{Host: dir, Inside: "/usr/none"}}, "mounting at /usr/none: it is not there, in /usr"},
		{"no place in another bind", "/x", "", []buildroot.Bind{{Host: dir, Inside: "/a", Writable: true}, {Host: dir, Inside: "/a/b"}}, "mounting at /a/b: it is not there, in /a"},
		{"a link that leads out", "/x", "", []buildroot.Bind{{Host: dir, Inside: "/out"}}, "mounting at /out: /out is a symbolic link"},
		{"through a link that leads out", "/x", "", []buildroot.Bind{{Host: dir, Inside: "/out/new"}}, "mounting at /out/new: /out is a symbolic link"},
		{"through a link of a package", "/x", "", []buildroot.Bind{{Host: dir, Inside: "/usr/loop/x"}}, "mounting at /usr/loop/x: /usr/loop is a symbolic link"},
		{"a file on a directory", "/x", "", []buildroot.Bind{{Host: file, Inside: "/usr/local/go"}}, "mounting at /usr/local/go: one is a directory, the other a file"},
	} {
		cmd := exec.CommandContext(t.Context(), c.program)
		cmd.Dir = c.dir
		if err := root.Wrap(cmd, c.binds); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != buildroot.StatusFailed || !strings.HasPrefix(string(out), "kubedist: build root: "+c.want) {
			t.Errorf("%s: got %v, %s", c.name, err, out)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%s has %v, %v", dir, entries, err)
	}
}

// TestCheckRefused is its own process: one whose user namespace allows no more of them.
func TestCheckRefused(t *testing.T) {
	t.Parallel()
	if os.Getenv("BUILDROOT_TEST_REFUSED") != "" {
		p := roottest.NewPool(t)
		root, err := fetch(t, p, t.TempDir(), toolchain(p.Add(t, "aa")))
		if err != nil {
			t.Fatal(err)
		}
		if err := root.Check(t.Context()); !errors.Is(err, buildroot.ErrRefused) || !strings.Contains(hint.Of(err), "CC_linux_arm64") {
			t.Errorf("got %v with the hint %q", err, hint.Of(err))
		}
		return
	}
	newRoot(t)
	for _, tool := range []string{"unshare", "setpriv"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "--user", "--map-root-user", "sh", "-c",
		`echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-sys_admin,-setpcap --inh-caps=-all "$0" -test.run='^TestCheckRefused$' -test.v`, os.Args[0])
	cmd.Env = append(os.Environ(), "BUILDROOT_TEST_REFUSED=yes")
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: TestCheckRefused")) {
		t.Errorf("%v: %s", err, out)
	}
}

func TestUsable(t *testing.T) {
	t.Parallel()
	tc := spec.Toolchain{Suite: "test", Architecture: "ppc64el", Locked: make([]spec.Locked, 1)}
	if err := buildroot.Usable(tc, "linux", "ppc64le"); err != nil {
		t.Error(err)
	}
	for _, c := range [][2]string{{"darwin", "amd64"}, {"linux", "amd64"}, {"linux", "mips"}} {
		if err := buildroot.Usable(tc, c[0], c[1]); !errors.Is(err, buildroot.ErrMachine) || !strings.Contains(hint.Of(err), "CC_linux_arm64") {
			t.Errorf("%v: got %v", c, err)
		}
	}
	if err := buildroot.Usable(spec.Toolchain{Architecture: "amd64"}, "linux", "amd64"); err == nil {
		t.Error("a root of nothing is usable")
	}
	tc.Packages = []string{"make"}
	if err := buildroot.Usable(tc, "linux", "ppc64le"); err == nil || !strings.Contains(err.Error(), "make is asked for and not locked") {
		t.Errorf("a lock without a package that is asked for: %v", err)
	}
}

// Only the name and the order together make of this program the one that enters a root, and not any order.
func TestAsked(t *testing.T) {
	t.Parallel()
	with := func(string) string { return "{}" }
	without := func(string) string { return "" }
	for _, c := range []struct {
		name   string
		getenv func(string) string
		want   bool
	}{{"kubedist-buildroot", with, true}, {"/x/kubedist-buildroot", with, true}, {"kubedist", with, false}, {"kubedist-buildroot", without, false}} {
		if _, got := buildroot.Asked(c.name, c.getenv); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	var said strings.Builder
	if status := buildroot.Enter(`{"roots": "/"}`, nil, nil, &said); status != buildroot.StatusFailed || !strings.Contains(said.String(), "order: ") {
		t.Errorf("status %d: %s", status, said.String())
	}
}

package buildroot_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kubedist/pkg/buildroot"
	"kubedist/pkg/hint"
	"kubedist/pkg/spec"
)

// report is what testdata/inside finds.
type report struct {
	Args, Env     []string
	Dir           string
	UID, GID      int
	Root, Dev     []string
	Capabilities  string
	Writes, Reads map[string]string
	Stdin         string
}

// helper compiles testdata/inside; as another user, the one that is compiled already.
func helper(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("BUILDROOT_TEST_HELPER"); path != "" {
		return path
	}
	path := filepath.Join(t.TempDir(), "inside")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, "testdata/inside/main.go")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// newRoot makes a small root, where the system allows any.
func newRoot(t *testing.T) *buildroot.Root {
	t.Helper()
	onLinux(t)
	p := newPool(t)
	tc := toolchain(p.add(t, "aa", regular("usr/share/x", "x"), symlink("bin", "usr/bin"), symlink("out", "/etc"), regular("etc/conf", "c"), program("usr/bin/broken", "#!/no/such\n")))
	tc.Directories = []string{"usr/local/go"}
	tc.Links = []spec.Symlink{{Path: "usr/loop", To: "share"}}
	root, err := fetch(t, p, t.TempDir(), tc)
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

func mountinfo(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A wrapped command finds the root, what it is given, and nothing else.
func TestWrap(t *testing.T) {
	inside, root := helper(t), newRoot(t)
	before, mounts := listing(t, filepath.Dir(root.Dir())), mountinfo(t)
	out, in := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(in, "text"), []byte("given"), 0o644); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(in, link); err != nil {
		t.Fatal(err)
	}
	paths := []string{"/usr/share/new", "/usr/share/x", "/new", "/in/new", "/usr/local/go/new", "/etc/conf", "/deep/down/new", "/result/file", "/tmp/file", "/dev/null"}
	cmd := exec.CommandContext(t.Context(), "/prog/inside", "read=/usr/share/x", "read=/in/text", "read=/usr/local/go/text", "read="+in+"/text")
	for _, p := range paths {
		cmd.Args = append(cmd.Args, "write="+p)
	}
	cmd.Args[0] = "called"
	cmd.Dir, cmd.Env = "/result", []string{"A=b", "PATH=/usr/bin"}
	cmd.Stdin = strings.NewReader("typed")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := root.Wrap(cmd, []buildroot.Bind{
		{Host: inside, Inside: "/prog/inside"}, {Host: out, Inside: "/result", Writable: true}, {Host: link, Inside: "/in"},
		{Host: in, Inside: "/usr/local/go"}, {Host: in, Inside: "/deep/down"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Fatalf("got %v, it says %s", err, stderr.String())
	}
	var got report
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Args[0] != "called" || !slices.Equal(got.Env, []string{"A=b", "PATH=/usr/bin"}) || got.Dir != "/result" || got.Stdin != "typed" || got.UID != os.Getuid() || got.GID != os.Getgid() {
		t.Errorf("got %+v", got)
	}
	if want := []string{"bin", "deep", "dev", "etc", "in", "out", "proc", "prog", "result", "tmp", "usr"}; !slices.Equal(got.Root, want) {
		t.Errorf("the root has %q", got.Root)
	}
	if want := []string{"fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout", "urandom", "zero"}; !slices.Equal(got.Dev, want) {
		t.Errorf("/dev has %q", got.Dev)
	}
	if os.Getuid() != 0 && strings.Trim(got.Capabilities, "0") != "" {
		t.Errorf("it has the capabilities %s", got.Capabilities)
	}
	for name, want := range map[string]string{"/usr/share/x": "x", "/in/text": "given", "/usr/local/go/text": "given"} {
		if got.Reads[name] != want {
			t.Errorf("%s reads %q", name, got.Reads[name])
		}
	}
	if !strings.Contains(got.Reads[in+"/text"], "no such file") {
		t.Errorf("a file of the machine reads %q", got.Reads[in+"/text"])
	}
	for _, name := range paths {
		allowed := name == "/result/file" || name == "/tmp/file" || name == "/dev/null"
		if message := got.Writes[name]; allowed && message != "" || !allowed && !strings.Contains(message, "read-only file system") {
			t.Errorf("writing %s: %q", name, message)
		}
	}
	if data, err := os.ReadFile(filepath.Join(out, "file")); err != nil || string(data) != "written" {
		t.Errorf("got %q, %v", data, err)
	}
	if after := listing(t, filepath.Dir(root.Dir())); after != before {
		t.Errorf("the root was\n%snow it is\n%s", before, after)
	}
	if now := mountinfo(t); now != mounts {
		t.Errorf("mounts were\n%snow they are\n%s", mounts, now)
	}
}

// All of this works for a user without rights as it does for root, who runs the tests once more as one.
func TestAsNobody(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("the other tests run without rights already")
	}
	const nobody = 65534
	home, err := os.MkdirTemp("", "nobody-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	place := func(name, from string) string {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		name = filepath.Join(home, name)
		if err := os.WriteFile(name, data, 0o755); err != nil {
			t.Fatal(err)
		}
		return name
	}
	program := place("program.test", "/proc/self/exe")
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^(TestWrap|TestWrapTogether|TestSignals|TestDiesWithItsParent|TestInsideErrors)$", "-test.v")
	cmd.Env = append(os.Environ(), "TMPDIR="+home, "HOME="+home, "BUILDROOT_TEST_HELPER="+place("inside", helper(t)))
	cmd.Dir = home
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if err := os.Chown(home, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "permission denied") && strings.Contains(string(out), program) {
		t.Skipf("another user cannot reach %s", home)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if bytes.Contains(out, []byte("--- SKIP: TestWrap ")) {
		t.Skipf("%s", out)
	}
	for _, name := range []string{"TestWrap ", "TestWrapTogether ", "TestSignals ", "TestDiesWithItsParent ", "TestInsideErrors "} {
		if !bytes.Contains(out, []byte("--- PASS: "+name)) {
			t.Errorf("%s did not pass:\n%s", name, out)
		}
	}
}

// Several commands run in one root, each with mounts of its own.
func TestWrapTogether(t *testing.T) {
	t.Parallel()
	inside, root := helper(t), newRoot(t)
	var all sync.WaitGroup
	for i := range 4 {
		own := filepath.Join(t.TempDir(), "own")
		if err := os.WriteFile(own, fmt.Append(nil, i), 0o644); err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			cmd := exec.CommandContext(t.Context(), "/inside", "read=/own", "write=/tmp/x", "read=/tmp/x")
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := root.Wrap(cmd, []buildroot.Bind{{Host: inside, Inside: "/inside"}, {Host: own, Inside: "/own"}}); err != nil {
				t.Error(err)
			}
			_ = cmd.Run() // it ends with status 7
			var got report
			if err := json.Unmarshal(stdout.Bytes(), &got); err != nil || got.Reads["/own"] != fmt.Sprint(i) || got.Reads["/tmp/x"] != "written" {
				t.Errorf("%d got %+v, %v: %s", i, got, err, stderr.String())
			}
		})
	}
	all.Wait()
}

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
		p := newPool(t)
		root, err := fetch(t, p, t.TempDir(), toolchain(p.add(t, "aa")))
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

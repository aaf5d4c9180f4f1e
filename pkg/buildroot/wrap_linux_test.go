package buildroot_test

import (
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

	"kubedist/pkg/buildroot"
	"kubedist/pkg/debroot/roottest"
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
	p := roottest.NewPool(t)
	tc := toolchain(p.Add(t, "aa", roottest.Regular("usr/share/x", "x"), roottest.Symlink("bin", "usr/bin"), roottest.Symlink("out", "/etc"), roottest.Regular("etc/conf", "c"), roottest.Program("usr/bin/broken", "#!/no/such\n")))
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
	before, mounts := roottest.Listing(t, filepath.Dir(root.Dir())), mountinfo(t)
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
	if after := roottest.Listing(t, filepath.Dir(root.Dir())); after != before {
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

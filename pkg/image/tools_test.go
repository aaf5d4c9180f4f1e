package image_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sys/unix"

	"kubedist/pkg/image"
	"kubedist/pkg/ocilayout"
	"kubedist/pkg/platform"
	"kubedist/pkg/tarball"
)

// tool returns the path of a program, and skips the test without it.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip(name + " is not installed")
	}
	return path
}

// run runs a program and returns what it says on standard output.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, errs.String())
	}
	return string(out)
}

// native is the platform that runs images here.
var native = platform.ID{OS: "linux", Arch: runtime.GOARCH}

// program compiles a static program that prints what of the image a process sees: its capabilities and where it is.
func program(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put(t, dir+"/main.go", `package main

import ("fmt"; "os"; "strings")

func main() {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "CapEff") || strings.HasPrefix(line, "Uid") {
			fmt.Println(strings.Join(strings.Fields(line), " "))
		}
	}
	tmp, err := os.Stat("/tmp")
	there, _ := os.Getwd()
	fmt.Println(tmp.Mode(), err, there, os.Args[1:], os.Getenv("A"))
}
`)
	put(t, dir+"/go.mod", "module program\n\ngo 1.24\n")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-C", dir, "-o", "program", ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("go build: %v: %s", err, out)
	}
	return dir + "/program"
}

// runnable writes an image of this machine's platform, and of another, and the index named ref over both.
func runnable(t *testing.T, l *image.Layout) (image.Written, image.Written) {
	t.Helper()
	caps, err := image.Capabilities([]string{"cap_net_bind_service"})
	if err != nil {
		t.Fatal(err)
	}
	a := tarball.Archive{Root: true}
	a.Add(
		tarball.File{Name: "usr/bin/program", Mode: 0o755, Source: tarball.Path(program(t)), Xattrs: caps},
		tarball.File{Name: "tmp", Dir: true, Mode: 0o777 | fs.ModeSticky},
		tarball.File{Name: "run-me", Link: "/usr/bin/program"},
	)
	layer, err := l.WriteLayer(t.Context(), &a, tarball.Options{Time: stamp})
	if err != nil {
		t.Fatal(err)
	}
	written, err := l.WriteImage(t.Context(), image.Image{
		Platform: native, Time: stamp, Layers: []image.Layer{layer},
		Config: image.Config{Entrypoint: []string{"/run-me"}, Cmd: []string{"arg"}, Env: []string{"A=1"}, User: "65532:65532", WorkingDir: "/tmp"},
	})
	if err != nil {
		t.Fatal(err)
	}
	index, err := l.WriteIndex(t.Context(), []v1.Descriptor{written.Descriptor, imageOf(t, l, "linux/arm/v7").Descriptor})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.WriteRoot(t.Context(), []ocilayout.Reference{{Name: ref, Descriptor: index.Descriptor}}); err != nil {
		t.Fatal(err)
	}
	return written, index
}

// skopeo reads the layout, copies it without a change of digests, and reads the tar in both ways.
func TestSkopeo(t *testing.T) {
	t.Parallel()
	skopeo := tool(t, "skopeo")
	l := image.NewLayout(t.TempDir())
	index := fill(t, l, "linux/amd64", "linux/arm/v7")
	raw, err := os.ReadFile(l.Path(index.Digest))
	if err != nil {
		t.Fatal(err)
	}
	from := "oci:" + l.Dir() + ":" + ref
	if got := run(t, skopeo, "inspect", "--raw", from); got != string(raw) {
		t.Errorf("index %s", got)
	}
	if got := run(t, skopeo, "--override-arch", "arm", "--override-variant", "v7", "inspect", "--format", "{{.Architecture}} {{.Created}}", from); !strings.HasPrefix(got, "arm 2026-07-15 10:30:45") {
		t.Errorf("image for arm: %s", got)
	}
	to := image.NewLayout(t.TempDir())
	run(t, skopeo, "--insecure-policy", "copy", "--all", from, "oci:"+to.Dir()+":copy")
	refs, err := to.References()
	if err != nil || len(refs) != 1 || refs[0].Descriptor.Digest != index.Digest {
		t.Errorf("copied %v: %v", refs, err)
	}
	if blobs := whole(t, to); blobs != 8 {
		t.Errorf("%d blobs of the copy", blobs)
	}
	path := tarOf(t, l, imageOf(t, l, "linux/arm/v7").Descriptor, ref)
	for _, transport := range []string{"docker-archive:", "oci-archive:"} {
		if got := run(t, skopeo, "--override-arch", "arm", "--override-variant", "v7", "inspect", "--format", "{{.Architecture}} {{len .Layers}}", transport+path+":"+ref); got != "arm 2\n" {
			t.Errorf("%s %q", transport, got)
		}
	}
}

// said is what the program of runnable prints in a container.
const said = "Uid: 65532 65532 65532 65532\nCapEff: 0000000000000400\ndtrwxrwxrwx <nil> /tmp [arg] 1\n"

// podman loads the tar and runs what is in it, as the user and with the capability that the image gives the program.
func TestPodman(t *testing.T) {
	t.Parallel()
	podman, runc := tool(t, "podman"), tool(t, "runc")
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	l := image.NewLayout(t.TempDir())
	written, _ := runnable(t, l)
	path := tarOf(t, l, written.Descriptor, ref)
	dir := t.TempDir()
	mine := []string{"--root", dir + "/root", "--runroot", dir + "/run", "--tmpdir", dir + "/tmp", "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--runtime", runc}
	policy := dir + "/policy.json"
	put(t, policy, `{"default": [{"type": "insecureAcceptAnything"}]}`)
	if got := run(t, podman, append(mine, "load", "--signature-policy", policy, "-i", path)...); !strings.Contains(got, ref) {
		t.Errorf("loaded %s", got)
	}
	got := run(t, podman, append(mine, "run", "--rm", "--network=none", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024", ref)...)
	if got != said {
		t.Errorf("the container says\n%s", got)
	}
}

// containerd imports the tar and the whole layout, and unpacks the mode and the capability.
func TestContainerd(t *testing.T) {
	t.Parallel()
	containerd, ctr := tool(t, "containerd"), tool(t, "ctr")
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	l := image.NewLayout(t.TempDir())
	written, index := runnable(t, l)
	dir := t.TempDir()
	socket := dir + "/containerd.sock"
	put(t, dir+"/config.toml", "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n")
	ctx, stop := context.WithCancel(t.Context())
	daemon := exec.CommandContext(ctx, containerd, "--config", dir+"/config.toml", "--root", dir+"/root", "--state", dir+"/state", "--address", socket)
	daemon.Cancel = func() error { return daemon.Process.Signal(unix.SIGTERM) }
	daemon.WaitDelay = 10 * time.Second
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); _ = daemon.Wait() })
	ask := func(args ...string) string {
		return run(t, ctr, append([]string{"--address", socket, "--timeout", "60s"}, args...)...)
	}

	ask("images", "import", "--snapshotter", "native", tarOf(t, l, written.Descriptor, "registry.example.org/pause-one:3.10"))
	whole := filepath.Join(t.TempDir(), "layout.tar")
	run(t, "tar", "-C", l.Dir(), "-cf", whole, ".")
	ask("images", "import", "--all-platforms", "--no-unpack", whole)
	list := ask("images", "list")
	for _, want := range []string{ref, index.Digest.String(), "registry.example.org/pause-one:3.10", written.Digest.String(), "linux/arm/v7"} {
		if !strings.Contains(list, want) {
			t.Errorf("%s is not in the list:\n%s", want, list)
		}
	}
	mounted := dir + "/mounted"
	if err := os.Mkdir(mounted, 0o755); err != nil {
		t.Fatal(err)
	}
	ask("images", "mount", "--snapshotter", "native", "registry.example.org/pause-one:3.10", mounted)
	defer ask("images", "unmount", "--rm", "--snapshotter", "native", mounted)
	value := make([]byte, 64)
	n, err := unix.Getxattr(mounted+"/usr/bin/program", attribute, value)
	if caps, _ := image.Capabilities([]string{"cap_net_bind_service"}); err != nil || string(value[:n]) != caps[attribute] {
		t.Errorf("capabilities %x: %v", value[:max(n, 0)], err)
	}
	if info, err := os.Stat(mounted + "/tmp"); err != nil || info.Mode() != fs.ModeDir|fs.ModeSticky|0o777 {
		t.Errorf("/tmp: %v: %v", info, err)
	}
}

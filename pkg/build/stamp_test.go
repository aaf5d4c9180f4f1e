package build

import (
	"debug/buildinfo"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/build/buildtest"
	"kubedist/pkg/buildroot"
	"kubedist/pkg/gitshim"
	"kubedist/pkg/hint"
	"kubedist/pkg/platform"
)

// The test binary is the program that stands in for git, and for a C compiler.
func TestMain(m *testing.M) {
	if file, asked := gitshim.Asked(os.Args[0], os.Getenv); asked {
		dir, err := os.Getwd()
		if err != nil {
			panic(err)
		}
		os.Exit(gitshim.Answer(file, dir, os.Args[1:], os.Stdout, os.Stderr))
	}
	if len(os.Args) > 1 && os.Args[1] == buildtest.Flag {
		os.Exit(buildtest.CC(os.Args[2:], os.Stderr))
	}
	os.Exit(m.Run())
}

func stamp() *VCS {
	return &VCS{Commit: strings.Repeat("1f", 20), Time: time.Unix(1756289344, 0).UTC(), Tag: "v1.34.0", State: "clean"}
}

// settings are the build settings in a program.
func settings(t *testing.T, path string) map[string]string {
	t.Helper()
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"mod": info.Main.Version}
	for _, s := range info.Settings {
		all[s.Key] = s.Value
	}
	return all
}

// TestStamp: a tree without a checkout gets the stamp of its commit, by whatever name it is reached.
func TestStamp(t *testing.T) {
	t.Parallel()
	job := module(t, platform.ID{OS: "linux", Arch: "arm64"}, nil)
	link := filepath.Join(t.TempDir(), "tree")
	if err := os.Symlink(job.Dir, link); err != nil {
		t.Fatal(err)
	}
	job.Dir, job.VCS = link, stamp()
	if err := os.WriteFile(filepath.Join(job.Dir, "go.work"), []byte("go 1.26\n\nuse .\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	job.Env = []string{"GOWORK=" + filepath.Join(link, "go.work")}
	if _, err := Go(Options{Go: newGo(t), Budget: Budget{Cores: 1, Memory: 1 << 30}, Executable: os.Args[0]}).Compile(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	for _, p := range job.Programs {
		s := settings(t, p.Dest)
		if s["vcs.revision"] != job.VCS.Commit || s["vcs.time"] != "2025-08-27T10:09:04Z" || s["vcs.modified"] != "false" || s["mod"] != "v1.34.0" {
			t.Errorf("%s: %v", p.Name, s)
		}
	}
}

// TestNoStandIn: without the program that stands in for git nothing is compiled, least of all without the stamp.
func TestNoStandIn(t *testing.T) {
	t.Parallel()
	job := module(t, platform.ID{OS: "linux", Arch: "arm64"}, nil)
	job.VCS = stamp()
	_, err := Go(Options{Go: newGo(t), Budget: Budget{Cores: 1, Memory: 1 << 30}, Executable: filepath.Join(t.TempDir(), "none")}).Compile(t.Context(), job)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "to stand in for git") {
		t.Errorf("error %v", err)
	}
}

// TestCgo links with the C library of the machine.
func TestCgo(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("gcc"); err != nil || runtime.GOOS != "linux" {
		t.Skip("there is no gcc")
	}
	job := module(t, platform.ID{OS: "linux", Arch: runtime.GOARCH}, nil)
	job.Cgo, job.Suffix = &Cgo{CC: "gcc", Origin: "CC_linux"}, ""
	main := "package main\n\n// int one() { return 1; }\nimport \"C\"\n\nfunc main() { println(C.one()) }\n"
	if err := os.WriteFile(filepath.Join(job.Dir, "one", "main.go"), []byte(main), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Go(Options{Go: newGo(t), Budget: Budget{Cores: 1, Memory: 1 << 30}}).Compile(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	if s := settings(t, job.Programs[0].Dest); s["CGO_ENABLED"] != "1" {
		t.Errorf("settings %v", s)
	}
	other := job
	other.Cgo = &Cgo{CC: "gcc", Origin: "another"}
	if job.Key() == other.Key() {
		t.Error("two compilers have one key")
	}
}

type rootFunc func(*exec.Cmd, []buildroot.Bind) error

func (f rootFunc) Wrap(cmd *exec.Cmd, binds []buildroot.Bind) error { return f(cmd, binds) }

// TestInside: in another root go gets names that exist there, and nothing of the user's environment.
func TestInside(t *testing.T) {
	t.Parallel()
	job := module(t, platform.ID{OS: "linux", Arch: "arm64"}, nil)
	job.Module, job.VCS = "example.org/m", stamp()
	job.Env = []string{"GOWORK=" + filepath.Join(job.Dir, "go.work")}
	stop := errors.New("seen")
	var inside *exec.Cmd
	var bound []string
	job.Cgo = &Cgo{CC: "aarch64-linux-gnu-gcc", Root: rootFunc(func(cmd *exec.Cmd, binds []buildroot.Bind) error {
		inside = cmd
		for _, b := range binds {
			if info, err := os.Stat(b.Host); err != nil || !info.IsDir() {
				t.Errorf("bind %+v: %v", b, err)
			}
			mode := " ro"
			if b.Writable {
				mode = " rw"
			}
			bound = append(bound, b.Inside+mode)
		}
		return stop
	})}
	_, err := Go(Options{Go: newGo(t), Budget: Budget{Cores: 1, Memory: 1 << 30}, Executable: os.Args[0]}).Compile(t.Context(), job)
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	want := []string{"/go/src/example.org/m ro", "/usr/local/go ro", "/go/pkg/mod ro", "/go/cache rw", "/go/out rw", "/go/stamp rw", "/go/src/example.org/m/.git ro", "/tmp rw"}
	if !slices.Equal(bound, want) {
		t.Errorf("bound are %q, want %q", bound, want)
	}
	if inside.Path != "/usr/local/go/bin/go" || inside.Dir != "/go/src/example.org/m" || !slices.Contains(inside.Args, "-o=/go/out/") {
		t.Errorf("command %s %q in %s", inside.Path, inside.Args, inside.Dir)
	}
	environ := map[string]string{}
	for _, entry := range inside.Env {
		name, value, _ := strings.Cut(entry, "=")
		environ[name] = value
	}
	for name, want := range map[string]string{
		"PATH": "/go/stamp/bin:/usr/local/go/bin:/usr/bin:/bin", "GOWORK": "/go/src/example.org/m/go.work", "CC": "aarch64-linux-gnu-gcc",
		"CGO_ENABLED": "1", "GOARCH": "arm64", "GOPROXY": "off", "HOME": "/tmp", "GOTMPDIR": "/tmp", gitshim.StampVariable: "/go/stamp/stamp.json",
	} {
		if environ[name] != want {
			t.Errorf("%s=%s, want %s", name, environ[name], want)
		}
	}
	if _, ok := environ["USER"]; ok || strings.Contains(strings.Join(inside.Env, " "), job.Dir) {
		t.Errorf("environment %q", inside.Env)
	}
}

// TestDirtyCheckoutInside: what go would have to ask git about is refused where there is no git.
func TestDirtyCheckoutInside(t *testing.T) {
	t.Parallel()
	job := module(t, platform.ID{OS: "linux", Arch: "arm64"}, nil)
	job.VCS = stamp()
	job.VCS.Checkout, job.VCS.State = true, "dirty"
	job.Cgo = &Cgo{Root: rootFunc(func(*exec.Cmd, []buildroot.Bind) error { t.Error("compiled"); return nil })}
	_, err := Go(Options{Go: newGo(t), Budget: Budget{Cores: 1, Memory: 1 << 30}, Executable: os.Args[0]}).Compile(t.Context(), job)
	if err == nil || hint.Of(err) == "" {
		t.Errorf("error %v, hint %q", err, hint.Of(err))
	}
}

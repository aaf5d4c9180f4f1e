package gocmd_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"kubedist/pkg/gocmd"
	"kubedist/pkg/hint"
)

// user returns the environment of a user whose home is a fresh directory. Go's telemetry is off there: its process
// outlives the go command and would write into the directory while the test removes it.
func user(t *testing.T, extra ...string) []string {
	t.Helper()
	home := t.TempDir()
	for _, config := range []string{".config", filepath.Join("Library", "Application Support")} {
		dir := filepath.Join(home, config, "go", "telemetry")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "mode"), []byte("off"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return append([]string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}, extra...)
}

func newGo(t *testing.T, o gocmd.Options) *gocmd.Go {
	t.Helper()
	if o.Environ == nil {
		o.Environ = user(t)
	}
	g, err := gocmd.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// script writes a stand-in for the go command: a shell script that answers `go env -json` and does body otherwise.
func script(t *testing.T, body string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "go")
	text := "#!/bin/sh\nif [ \"$1\" = env ]; then echo '{}'; exit; fi\n" + body + "\n"
	if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

// Settings of `go env -w` and of the environment are honoured for fetching, and only for it.
func TestSettings(t *testing.T) {
	t.Parallel()
	stored := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(stored, []byte("GOPROXY=http://127.0.0.1:1/stored\nGOPRIVATE=example.org/*\nGOFLAGS=-tags=stored\nGOEXPERIMENT=arenas\nGOOS=plan9\nCC=stored-cc\nGOWORK=/nowhere/go.work\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g := newGo(t, gocmd.Options{Toolchain: gocmd.Local, Environ: user(t, "GOENV="+stored, "GONOSUMDB=example.net", "GOFLAGS=-tags=set", "GOARCH=mips", "CGO_CFLAGS=-DLEAK", "http_proxy=http://127.0.0.1:9")})
	for name, want := range map[string]string{
		"GOPROXY": "http://127.0.0.1:1/stored", "GOPRIVATE": "example.org/*", "GONOSUMDB": "example.net",
		"GOFLAGS": "", "GOEXPERIMENT": "", "GOWORK": "off", "GO111MODULE": "on", "GOTOOLCHAIN": "local",
	} {
		got, err := g.Var(t.Context(), t.TempDir(), name)
		if err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"GOOS", "GOARCH", "CC", "CGO_CFLAGS"} {
		for _, entry := range g.Environ() {
			if strings.HasPrefix(entry, name+"=") {
				t.Errorf("environment holds %s", entry)
			}
		}
	}
	if all := strings.Join(g.Environ(), "\n"); !strings.Contains(all, "http_proxy=http://127.0.0.1:9") {
		t.Errorf("the HTTP proxy is lost: %s", all)
	}
}

func TestEnvironLastWins(t *testing.T) {
	t.Parallel()
	g := newGo(t, gocmd.Options{}).WithToolchain("go1.26.5")
	got := strings.Join(g.Environ("GOFLAGS=-one", "GOFLAGS=-two", "GOOS=linux"), "\n")
	for _, want := range []string{"GOFLAGS=-two", "GOOS=linux", "GOTOOLCHAIN=go1.26.5"} {
		if strings.Count(got, want) != 1 {
			t.Errorf("no single %s in:\n%s", want, got)
		}
	}
	if strings.Contains(got, "-one") {
		t.Errorf("an overridden value is there:\n%s", got)
	}
}

func TestVersionIsTheInstalledOne(t *testing.T) {
	t.Parallel()
	got, err := newGo(t, gocmd.Options{Toolchain: gocmd.Local}).Version(t.Context())
	if err != nil || !strings.HasPrefix(got, "go1.") {
		t.Errorf("version %q, %v", got, err)
	}
}

func TestToolchainFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"1.26.5", "go1.26.5"}, {"go1.26.5", "go1.26.5"}, {"1.26", "go1.26.0"}, {"1.20", "go1.20"}, {"1.27rc1", "go1.27rc1"},
		{"", ""}, {"latest", ""}, {"1.26.5\n", ""}, {"1.26.5+auto", ""}, {"1.26.5-custom", ""}, {"gogo1.2", ""},
	} {
		got, err := gocmd.ToolchainFor(c.in)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("ToolchainFor(%q) = %q, %v; want %q", c.in, got, err, c.want)
		}
	}
}

func TestErrorsSayWhatGoSaid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, stderr, want, hint string }{
		{"one line", "go: no such tool", "go mod tidy: no such tool", ""},
		{"downloads left out", "go: downloading example.org/a v1.0.0\ngo: a broke", "go mod tidy: a broke", ""},
		{"several lines", "# example.org/a\na.go:1:2: undefined: x", "go mod tidy:\n# example.org/a\na.go:1:2: undefined: x", ""},
		{"nothing", "", "go mod tidy: exit status 3", ""},
		{"security", "verifying module: checksum mismatch\nSECURITY ERROR", "SECURITY ERROR", "do not build this"},
		{"network", "Get \"http://example.org/\": dial tcp: lookup example.org: no such host", "no such host", "--source DIR"},
		{"full disk", "write x: no space left on device", "no space left", "free space"},
		{"old go", "go: go.mod requires go >= 1.99 (running go 1.26.5; GOTOOLCHAIN=local)", "requires go >= 1.99", "leave out --toolchain local"},
		{"toolchain", "go: download go1.99.1 for linux/amd64: toolchain not available", "go1.99.1", "--toolchain local"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			said := filepath.Join(t.TempDir(), "said")
			if err := os.WriteFile(said, []byte(c.stderr), 0o600); err != nil {
				t.Fatal(err)
			}
			g := newGo(t, gocmd.Options{Path: script(t, "cat "+said+" >&2; exit 3")})
			err := g.Run(t.Context(), gocmd.Command{Dir: t.TempDir(), Args: []string{"mod", "tidy"}})
			var failed *gocmd.Error
			if !errors.As(err, &failed) || failed.Command != "mod tidy" {
				t.Fatalf("error %v", err)
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "downloading") {
				t.Errorf("error %q, want %q", err, c.want)
			}
			if got := hint.Of(err); !strings.Contains(got, c.hint) || (got == "") != (c.hint == "") {
				t.Errorf("hint %q, want %q", got, c.hint)
			}
		})
	}
}

func TestErrorIsBounded(t *testing.T) {
	t.Parallel()
	g := newGo(t, gocmd.Options{Path: script(t, `echo first >&2; yes "a long line of no interest at all" | head -c 1000000 >&2; echo last >&2; exit 1`)})
	var tee strings.Builder
	err := g.Run(t.Context(), gocmd.Command{Dir: t.TempDir(), Args: []string{"build"}, Stderr: &tee})
	if err == nil || len(err.Error()) > 70<<10 {
		t.Fatalf("%d bytes of error", len(fmt.Sprint(err)))
	}
	for _, want := range []string{"first", "bytes left out", "last"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error has no %q", want)
		}
	}
	if tee.Len() < 1000000 {
		t.Errorf("%d bytes were passed on", tee.Len())
	}
}

func TestNoGoCommand(t *testing.T) {
	t.Parallel()
	_, err := gocmd.New(t.Context(), gocmd.Options{Path: filepath.Join(t.TempDir(), "go"), Environ: user(t)})
	if !errors.Is(err, os.ErrNotExist) || hint.Of(err) == "" {
		t.Errorf("error %v, hint %q", err, hint.Of(err))
	}
}

func TestDirectoryIsRequired(t *testing.T) {
	t.Parallel()
	if err := newGo(t, gocmd.Options{}).Run(t.Context(), gocmd.Command{Args: []string{"version"}}); err == nil {
		t.Error("ran in the directory of the test")
	}
}

// onWrite calls a function at the first write.
type onWrite func()

func (f onWrite) Write(p []byte) (int, error) { f(); return len(p), nil }

// The end of the context ends the command, what it started, and what ignores the polite signal; its temporary files
// are gone too.
func TestCancelStopsTheWholeGroup(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "alive")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	alive, err := os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	// The compiler holds the write end of the FIFO for as long as it lives.
	g := newGo(t, gocmd.Options{Path: script(t, `touch "$GOTMPDIR/left"
( trap "" TERM; echo started >&3; exec sleep 1000 3>&- ) 3>&1 >"$2" 2>&1 </dev/null &
wait`), Environ: user(t, "TMPDIR="+t.TempDir())})
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped by the test")
	err = g.Run(ctx, gocmd.Command{Dir: t.TempDir(), Args: []string{"build", fifo}, Stdout: onWrite(func() { cancel(stopped) })})
	if !errors.Is(err, stopped) {
		t.Errorf("error %v", err)
	}
	if err := alive.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, alive); err != nil {
		t.Errorf("the compiler outlived the command: %v", err)
	}
	for _, entry := range g.Environ() {
		if dir, ok := strings.CutPrefix(entry, "TMPDIR="); ok {
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("temporary files are left: %v, %v", left, err)
			}
		}
	}
}

func ExampleGo_Run() {
	ctx := context.Background()
	g, err := gocmd.New(ctx, gocmd.Options{Toolchain: gocmd.Local, Environ: os.Environ()})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = g.Run(ctx, gocmd.Command{
		Dir:    os.TempDir(),
		Args:   []string{"env", "GOOS", "GOARCH", "GOFLAGS"},
		Env:    []string{"GOOS=linux", "GOARCH=riscv64"},
		Stdout: os.Stdout,
	})
	fmt.Println(err)
	// Output:
	// linux
	// riscv64
	//
	// <nil>
}

func ExampleToolchainFor() {
	fmt.Println(gocmd.ToolchainFor("1.26.5"))
	// Output: go1.26.5 <nil>
}

func TestIgnored(t *testing.T) {
	t.Parallel()
	environ := []string{"GOEXPERIMENT=ofanotherrelease", "GOFLAGS=-race", "GOAMD64=v3", "GOAMD64=", "CGO_CFLAGS=-O3", "GOPROXY=off", "CC=", "CC_linux_arm=gcc"}
	if got, want := strings.Join(gocmd.Ignored(environ), " "), "CGO_CFLAGS GOEXPERIMENT GOFLAGS"; got != want {
		t.Errorf("ignored are %q, want %q", got, want)
	}
	g := newGo(t, gocmd.Options{Environ: append(user(t), environ...)})
	for _, entry := range g.Environ() {
		for _, name := range gocmd.Ignored([]string{entry}) {
			if name != "GOWORK" && name != "GOTOOLCHAIN" {
				t.Errorf("%s is passed on", entry)
			}
		}
	}
}

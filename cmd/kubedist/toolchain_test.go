package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/buildroot"
	"kubedist/pkg/closure"
	"kubedist/pkg/deb/debtest"
	"kubedist/pkg/hint"
	"kubedist/pkg/spec"
)

// toolchainSession runs commands with a tool chain of one package, which a mirror has.
type toolchainSession struct {
	t     *testing.T
	env   environment
	url   string
	specs string
}

func newToolchainSession(t *testing.T) *toolchainSession {
	t.Helper()
	data := debtest.Bytes(t, "cc", "1", "all", "/usr/share/x")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/pool/cc.deb" {
			http.NotFound(w, r)
			return
		}
		w.Write(data)
	}))
	t.Cleanup(server.Close)
	tc := spec.Toolchain{Suite: "small", Architecture: runtime.GOARCH, Packages: []string{"cc"}, Locked: []spec.Locked{
		{Package: "cc", Version: "1", Architecture: "all", Path: "pool/cc.deb", Size: int64(len(data)), SHA256: fmt.Sprintf("%x", sha256.Sum256(data))},
	}}
	s := &toolchainSession{t: t, url: server.URL, specs: t.TempDir()}
	if err := os.WriteFile(filepath.Join(s.specs, "small.yaml"), closure.Text(tc), 0o644); err != nil {
		t.Fatal(err)
	}
	s.env = environment{Getenv: func(string) string { return "" }, Now: time.Now, CacheDir: t.TempDir(), ConfigDir: t.TempDir()}
	return s
}

func (s *toolchainSession) run(args ...string) (stdout, stderr string, err error) {
	var out, errs bytes.Buffer
	env := s.env
	env.Stdin, env.Stdout, env.Stderr = strings.NewReader(""), &out, &errs
	root := newRootCommand(&env)
	root.SetArgs(append([]string{"toolchain"}, args...))
	_, err = root.ExecuteContextC(s.t.Context())
	return out.String(), errs.String(), err
}

// A tool chain is listed, fetched, and run in.
func TestToolchain(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("roots are for Linux; these machines have the same name in Debian")
	}
	s := newToolchainSession(t)
	if out, _, err := s.run("list", "--specs", s.specs); err != nil || !strings.Contains(out, "small  "+runtime.GOARCH) || !strings.Contains(out, "not in the cache") {
		t.Errorf("got %v\n%s", err, out)
	}
	if _, _, err := s.run("run", "--specs", s.specs, "small", "/x"); exitStatus(err) != exitFailure || !errors.Is(err, buildroot.ErrNotFetched) {
		t.Errorf("got %v", err)
	}
	out, progress, err := s.run("fetch", "--specs", s.specs, "--debian-mirror", s.url)
	dir := strings.TrimSpace(out)
	if err != nil || !strings.HasPrefix(dir, s.env.CacheDir) || !strings.Contains(progress, "1 package") {
		t.Fatalf("got %v\n%s%s", err, out, progress)
	}
	if _, err := os.Stat(filepath.Join(dir, "usr", "share", "x")); err != nil {
		t.Error(err)
	}
	out, _, err = s.run("list", "--specs", s.specs, "--json")
	var listed listedToolchain
	if err := errors.Join(err, json.Unmarshal([]byte(out), &listed)); err != nil || listed.Dir != dir || listed.Packages != 1 || listed.Why != "" {
		t.Errorf("got %v\n%s", err, out)
	}
	out, _, err = s.run("run", "--specs", s.specs, "small", "/usr/share/none")
	if errors.Is(err, buildroot.ErrRefused) {
		t.Skip(err)
	}
	if exitStatus(err) != buildroot.StatusFailed {
		t.Errorf("got %v\n%s", err, out)
	}
	inside := filepath.Join(t.TempDir(), "inside")
	compile := exec.CommandContext(t.Context(), "go", "build", "-o", inside, "../../pkg/buildroot/testdata/inside/main.go")
	compile.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	out, said, err := s.run("run", "--specs", s.specs, "--bind", inside+":/inside", "--bind", t.TempDir()+":/out:rw", "--dir", "/out", "--env", "A=b",
		"small", "/inside", "--flag", "write=/out/x")
	var got struct {
		Args, Env []string
		Dir       string
		Writes    map[string]string
	}
	if exitStatus(err) != 7 {
		t.Fatalf("got %v\n%s", err, said)
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Args[1] != "--flag" || got.Dir != "/out" || got.Writes["/out/x"] != "" || strings.Join(got.Env, " ") != "PATH=/usr/local/go/bin:/usr/bin:/bin LC_ALL=C A=b" {
		t.Errorf("got %+v", got)
	}
}

// Each mistake is the caller's, and says what to do.
func TestToolchainMistakes(t *testing.T) {
	t.Parallel()
	s := newToolchainSession(t)
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"fetch", "none"}, exitUsage, `tool chain "none" is not declared`},
		{[]string{"fetch", "a", "b"}, exitUsage, "accepts at most 1 arg"},
		{[]string{"fetch", "--debian-mirror", "ftp://example.org"}, exitFailure, `mirror "ftp://example.org" is not a URL`},
		{[]string{"lock", "small", "--debian-mirror", "x"}, exitUsage, `mirror "x" is not a URL`},
		{[]string{"lock", "none"}, exitUsage, `tool chain "none" is not declared`},
		{[]string{"lock", "small", "--keyring", "/none"}, exitUsage, "/none"},
		{[]string{"run", "small"}, exitUsage, "takes SUITE and PROGRAM, got 1 argument"},
		{[]string{"run", "--bind", "x", "small", "/x"}, exitUsage, `--bind "x" is not understood`},
		{[]string{"run", "--bind", "x:/y:ro", "small", "/x"}, exitUsage, `--bind "x:/y:ro" is not understood`},
	} {
		_, _, err := s.run(append(c.args[:1:1], append([]string{"--specs", s.specs}, c.args[1:]...)...)...)
		if err == nil || exitStatus(err) != c.status || !strings.Contains(err.Error(), c.want) || hint.Of(err) == "" && c.args[0] != "lock" {
			t.Errorf("%v: status %d, %v, hint %q", c.args, exitStatus(err), err, hint.Of(err))
		}
	}
}

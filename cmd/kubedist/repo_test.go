package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"kubedist/pkg/deb/debtest"
	"kubedist/pkg/hint"
	"kubedist/repo"
)

// A repoSession runs repo commands on an archive of its own.
type repoSession struct {
	t    *testing.T
	env  *environment
	dir  string
	root string
	now  time.Time
}

func newRepoSession(t *testing.T) *repoSession {
	s := &repoSession{t: t, dir: t.TempDir(), now: time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC)}
	s.root = filepath.Join(s.dir, "public")
	s.env = &environment{
		Stdin: strings.NewReader(""), Getenv: func(string) string { return "" }, Now: func() time.Time { return s.now }, ConfigDir: filepath.Join(s.dir, "config"),
	}
	return s
}

// run runs one command line and returns its two outputs.
func (s *repoSession) run(ctx context.Context, args ...string) (stdout, stderr string, err error) {
	var out, errs bytes.Buffer
	env := *s.env
	env.Stdout, env.Stderr = &out, &errs
	root := &cobra.Command{Use: "kubedist", SilenceUsage: true, SilenceErrors: true}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError(err) })
	root.AddCommand(newRepoCommand(&env))
	root.SetArgs(append([]string{"repo"}, args...))
	err = root.ExecuteContext(ctx)
	named := strings.NewReplacer(s.dir, "DIR")
	return named.Replace(out.String()), named.Replace(errs.String()), err
}

func (s *repoSession) must(args ...string) string {
	s.t.Helper()
	out, errs, err := s.run(s.t.Context(), append(args, "--root", s.root)...)
	if err != nil {
		s.t.Fatalf("repo %v: %v\n%s", args, err, errs)
	}
	return out
}

// deb writes a package into the session's directory of packages.
func (s *repoSession) deb(name, version, arch string) string {
	s.t.Helper()
	dir := filepath.Join(s.dir, "debs", arch)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		s.t.Fatal(err)
	}
	file := filepath.Join(dir, name+"_"+version+"_"+arch+".deb")
	if err := os.WriteFile(file, debtest.Bytes(s.t, name, version, arch), 0o644); err != nil {
		s.t.Fatal(err)
	}
	return file
}

func TestRepo(t *testing.T) {
	t.Parallel()
	s := newRepoSession(t)
	s.deb("kubeadm", "1.36.3-1.1", "amd64")
	s.deb("kubeadm", "1.36.3-1.1", "arm64")
	cni := s.deb("cri-tools", "1.36.0-1.1", "arm64")
	if got := s.must("publish"); got != "no suite has a package yet: nothing is published\n" {
		t.Errorf("publishing nothing says %q", got)
	}
	got := s.must("add", filepath.Join(s.dir, "debs"), "--suite", "v1.36", "--suite", "stable")
	want := `added    kubeadm 1.36.3-1.1 amd64: [v1.36 stable]
added    cri-tools 1.36.0-1.1 arm64: [v1.36 stable]
added    kubeadm 1.36.3-1.1 arm64: [v1.36 stable]
suite v1.36: published, first published, valid until 2027-05-21
suite stable: published, first published, valid until 2027-05-21
`
	if got != want {
		t.Errorf("add says\n%s\nwant\n%s", got, want)
	}
	if got := s.must("add", cni, "--suite", "v1.36"); !strings.Contains(got, "present  cri-tools") || !strings.Contains(got, "suite v1.36: unchanged") {
		t.Errorf("adding again says\n%s", got)
	}
	want = `SUITE   PACKAGE    VERSION     ARCHITECTURES
v1.36   cri-tools  1.36.0-1.1  arm64
v1.36   kubeadm    1.36.3-1.1  amd64 arm64
stable  cri-tools  1.36.0-1.1  arm64
stable  kubeadm    1.36.3-1.1  amd64 arm64
`
	if got := s.must("list"); got != want {
		t.Errorf("list says\n%s\nwant\n%s", got, want)
	}
	var list []map[string]any
	if err := json.Unmarshal([]byte(s.must("list", "--json", "--suite", "stable")), &list); err != nil || len(list) != 2 {
		t.Errorf("list --json gives %v, %v", list, err)
	}
	if got := s.must("verify"); !regexp.MustCompile(`2 suites, \d+ files of indices, 3 packages .* all as signed`).MatchString(got) {
		t.Errorf("verify says %s", got)
	}
	if got := s.must("remove", "kubeadm:arm64", "--suite", "stable,v1.36"); !strings.Contains(got, "removed  kubeadm 1.36.3-1.1 arm64: stable\n") {
		t.Errorf("remove says\n%s", got)
	}
	if got := s.must("gc", "--dry-run"); got != "to remove 0 files, 0 bytes\n" {
		t.Errorf("gc says %s", got)
	}
	var published struct {
		Suites []struct{ Suite, Reason string }
	}
	if err := json.Unmarshal([]byte(s.must("publish", "--sign-anew", "--json", "--url", "https://example.org/elsewhere/")), &published); err != nil || len(published.Suites) != 2 || published.Suites[0].Reason != "asked for" {
		t.Errorf("publish --json gives %+v, %v", published, err)
	}
	sources, err := os.ReadFile(filepath.Join(s.root, "dists/stable/kubernetes.sources"))
	if err != nil || !strings.Contains(string(sources), "URIs: https://example.org/elsewhere\n") {
		t.Errorf("kubernetes.sources: %s, %v", sources, err)
	}
}

func TestRepoErrors(t *testing.T) {
	t.Parallel()
	s := newRepoSession(t)
	file := s.deb("kubeadm", "1.36.3-1.1", "amd64")
	companion := s.deb("cri-tools", "1.36.0-1.1", "amd64")
	s.must("add", file)
	half := filepath.Join(s.dir, "half.deb")
	if err := os.WriteFile(half, []byte("!<arch>\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	definition := filepath.Join(s.dir, "archive.yaml")
	if err := os.WriteFile(definition, []byte("origin: x\norigin: y\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		args   []string
		status int
		want   string
	}{
		{"no argument", []string{"add"}, exitUsage, "takes DEB|DSC|DIR..., got none"},
		{"nothing there", []string{"add", filepath.Join(s.dir, "none.deb")}, exitUsage, "no such file"},
		{"empty directory", []string{"add", t.TempDir()}, exitUsage, "holds no .deb and no .dsc file"},
		{"no package", []string{"add", half}, exitUsage, "member debian-binary: missing"},
		{"no suite for it", []string{"add", companion}, exitUsage, "does not say which suites"},
		{"unknown suite", []string{"add", companion, "--suite", "v9"}, exitUsage, "suite v9: not in the archive's definition"},
		{"another minor's suite", []string{"add", file, "--suite", "v1.35"}, exitUsage, "suite v1.35 accepts ~1.35 alone"},
		{"definition", []string{"publish", "--definition", definition}, exitUsage, "archive.yaml:2: "},
		{"no definition", []string{"list", "--definition", definition + ".none"}, exitUsage, "no such file"},
		{"url", []string{"publish", "--url", "gopher://x"}, exitUsage, "--url: "},
		{"key", []string{"publish", "--key", half}, exitUsage, ""},
		{"keyring", []string{"publish", "--keyring", half}, exitUsage, "half.deb"},
		{"relation", []string{"remove", "kubeadm (1)", "--suite", "stable"}, exitUsage, `relation "kubeadm (1)"`},
		{"remove from where", []string{"remove", "kubeadm"}, exitUsage, "suites: none is named"},
		{"unknown command", []string{"addd"}, exitUsage, "addd"},
		{"unknown flag", []string{"list", "--sweet"}, exitUsage, "sweet"},
		{"list of an unknown suite", []string{"list", "--suite", "v9"}, exitUsage, "no suite v9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := c.args
			if args[0] != "addd" {
				args = append(args, "--root", s.root)
			}
			_, _, err := s.run(t.Context(), args...)
			if err == nil || exitStatus(err) != c.status || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got status %d: %v (hint %q), want %d: %s", exitStatus(err), err, hint.Of(err), c.status, c.want)
			}
		})
	}
}

// TestRepoAddHintsAtSuites names the suites to those alone whom that helps.
func TestRepoAddHintsAtSuites(t *testing.T) {
	t.Parallel()
	s := newRepoSession(t)
	half := filepath.Join(s.dir, "half.deb")
	if err := os.WriteFile(half, []byte("!<arch>\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file string
		want bool
	}{
		{s.deb("cri-tools", "1.36.0-1.1", "amd64"), true}, // no version of Kubernetes
		{s.deb("kubeadm", "0.9.3-1.1", "amd64"), true},    // one that no suite takes
		{s.deb("kubeadm", "1.36.3-1.1", "mips"), false},
		{half, false},
		{filepath.Join(s.dir, "none.deb"), false},
	} {
		_, _, err := s.run(t.Context(), "add", c.file, "--root", s.root)
		if next := hint.Of(err); err == nil || strings.Contains(next, "--suite; the archive has v1.") != c.want {
			t.Errorf("%s: got %v (hint %q), want suites in the hint: %v", filepath.Base(c.file), err, next, c.want)
		}
	}
}

func TestRepoVerifyFinds(t *testing.T) {
	t.Parallel()
	s := newRepoSession(t)
	s.must("add", s.deb("kubeadm", "1.36.3-1.1", "amd64"))
	pooled := filepath.Join(s.root, "pool/main/k/kubeadm/kubeadm_1.36.3-1.1_amd64.deb")
	data, err := os.ReadFile(pooled)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	if err := os.WriteFile(pooled, data, 0o644); err != nil {
		t.Fatal(err)
	}
	out, errs, err := s.run(t.Context(), "verify", "--root", s.root)
	if exitStatus(err) != exitCheck || !strings.Contains(out, "WRONG  pool/main/k/kubeadm/kubeadm_1.36.3-1.1_amd64.deb: its SHA-256") || !strings.Contains(errs, "the archive's own keyring") {
		t.Errorf("got %v\n%s%s", err, out, errs)
	}
	out, _, err = s.run(t.Context(), "verify", "--json", "--root", s.root)
	var report struct {
		Findings []struct{ Path, Problem string }
	}
	if jsonErr := json.Unmarshal([]byte(out), &report); jsonErr != nil || exitStatus(err) != exitCheck || len(report.Findings) != 1 {
		t.Errorf("got %v, %v, %s", err, jsonErr, out)
	}
}

func TestRepoServe(t *testing.T) {
	t.Parallel()
	s := newRepoSession(t)
	s.must("add", s.deb("kubeadm", "1.36.3-1.1", "amd64"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w := io.Pipe()
	s.env.Stdout, s.env.Stderr = w, io.Discard
	done := make(chan error, 1)
	go func() {
		done <- runRepoServe(ctx, s.env, &repoServeOptions{root: s.root, listen: "127.0.0.1:0"})
		w.Close()
	}()
	line := make([]byte, 4096)
	n, err := r.Read(line)
	if err != nil {
		t.Fatal(err, <-done)
	}
	url := regexp.MustCompile(`http://\S+`).FindString(string(line[:n]))
	resp, err := http.Get(url + "dists/v1.36/InRelease")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("got %s", resp.Status)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("interrupted: %v", err)
	}
	if err := runRepoServe(t.Context(), s.env, &repoServeOptions{root: filepath.Join(s.dir, "none"), listen: "127.0.0.1:0"}); exitStatus(err) != exitUsage {
		t.Errorf("no archive: %v", err)
	}
}

func TestRepoSyncOrder(t *testing.T) {
	t.Parallel()
	s := newRepoSession(t)
	s.must("add", s.deb("kubeadm", "1.36.3-1.1", "amd64"), "--suite", "v1.36")
	first, second := s.must("sync-order", "--stage", "1"), s.must("sync-order", "--stage", "2")
	if !strings.Contains(first, "\npool/main/k/kubeadm/kubeadm_1.36.3-1.1_amd64.deb\n") || !strings.Contains(second, "dists/v1.36/InRelease\n") {
		t.Errorf("the first stage is\n%s\nthe second\n%s", first, second)
	}
	if both := s.must("sync-order"); both != first+second {
		t.Errorf("both are\n%s", both)
	}
	frozen := filepath.Join(s.dir, "frozen")
	if got := s.must("sync-order", "--freeze", frozen, "--stage", "1"); got != first {
		t.Errorf("with --freeze the first stage is\n%s", got)
	}
	for name := range strings.Lines(second) {
		if _, err := os.Stat(filepath.Join(frozen, strings.TrimSuffix(name, "\n"))); err != nil {
			t.Error(err)
		}
	}
	for _, args := range [][]string{{"--stage", "3"}, {"--root", "/nonexistent"}, {"--freeze", s.root}} {
		if _, _, err := s.run(t.Context(), append([]string{"sync-order", "--root", s.root}, args...)...); err == nil {
			t.Errorf("sync-order %v: no error", args)
		}
	}
}

// TestRepoWithdraw takes an alias and a suite out of the definition, and away.
func TestRepoWithdraw(t *testing.T) {
	t.Parallel()
	s := newRepoSession(t)
	define := func(change ...string) string {
		name := filepath.Join(s.dir, "archive.yaml")
		text := strings.NewReplacer(append(change, "[amd64, arm64, armhf, i386, loong64, ppc64el, riscv64, s390x]", "[amd64]")...).Replace(string(repo.Archive))
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	definition := define(`"~1.36"`, `"~1.36", aliases: [xenial]`)
	s.must("add", s.deb("kubeadm", "1.36.3-1.1", "amd64"), "--suite", "v1.36,stable", "--definition", definition)
	s.must("add", s.deb("cri-tools", "1.36.0-1.1", "amd64"), "--suite", "stable", "--definition", definition)
	define("  - {name: stable,", "  - {name: steady,")
	run := func(args ...string) (stdout, stderr string) {
		t.Helper()
		out, errs, err := s.run(t.Context(), append(args, "--definition", definition, "--root", s.root)...)
		if err != nil {
			t.Fatalf("repo %v: %v", args, err)
		}
		return out, errs
	}
	const stays = "warning: dists/stable: published, but not in the definition: it stays as it is, and clients can use it until 2027-05-21; " +
		"then kubedist repo gc takes it away, or at once: kubedist repo gc --withdraw dists/stable\n"
	if _, errs := run("publish"); !strings.Contains(errs, stays) || !strings.Contains(errs, "dists/xenial: published, but not") {
		t.Errorf("publish warns\n%s", errs)
	}
	out, errs := run("gc", "--withdraw", "dists/xenial/", "--dry-run")
	if !regexp.MustCompile(`^to withdraw: dists/xenial, valid until 2027-05-21, \d+ files\nto remove \d+ files, \d+ bytes\n$`).MatchString(out) || errs != stays {
		t.Errorf("gc --dry-run says\n%s\nand warns\n%s", out, errs)
	}
	if _, _, err := s.run(t.Context(), "gc", "--withdraw", "dists/v1.36", "--definition", definition, "--root", s.root); exitStatus(err) != exitUsage || hint.Of(err) == "" {
		t.Errorf("gc of a suite of the definition: %v", err)
	}
	s.now = s.now.AddDate(0, 0, 181)
	var files []struct{ Path, Withdrawn string }
	out, _ = run("gc", "--json", "--dry-run")
	if err := json.Unmarshal([]byte(out), &files); err != nil || len(files) == 0 || files[0].Path != "dists/stable/InRelease" || files[0].Withdrawn != "dists/stable" {
		t.Errorf("gc --json says %s", out)
	}
	if out, errs := run("gc"); !strings.Contains(out, "withdrawn: dists/stable, expired on 2027-05-21, ") || !strings.Contains(out, "\npool/main/c/cri-tools/cri-tools_1.36.0-1.1_amd64.deb\nremoved ") || errs != "" {
		t.Errorf("gc says\n%s\nand warns\n%s", out, errs)
	}
	if _, errs := run("publish"); strings.Contains(errs, "not in the definition") {
		t.Errorf("publish warns\n%s", errs)
	}
	s.must("verify")
}

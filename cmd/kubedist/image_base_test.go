package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/closure"
	"kubedist/pkg/debroot/roottest"
	"kubedist/pkg/hint"
	"kubedist/pkg/registry/registrytest"
	"kubedist/pkg/spec"
)

// baseSession runs commands with a base of one package, which a mirror has.
type baseSession struct {
	t     *testing.T
	env   environment
	url   string
	specs string
	stdin string
}

func newBaseSession(t *testing.T) *baseSession {
	t.Helper()
	p := roottest.NewPool(t)
	b := spec.Base{Name: "small", Suite: "trixie", Packages: []string{"aa"}, Locked: []spec.Locked{
		p.AddFor(t, "aa", "amd64", roottest.Program("usr/bin/x", "text"), roottest.Symlink("bin", "usr/bin")),
	}}
	s := &baseSession{t: t, url: p.URL, specs: t.TempDir()}
	s.write("small.yaml", string(closure.BaseText(b)))
	s.write("platforms.yaml", `platforms:
  - {platform: linux/amd64, debian: amd64, elf: {class: 64, order: little, machine: EM_X86_64}, roles: [node]}
  - {platform: linux/386, debian: i386, roles: [client]}
`)
	s.write("image.yaml", "bases:\n  - {name: image, layout: \"none@sha256:"+strings.Repeat("0", 64)+"\"}\n")
	s.env = environment{Getenv: func(string) string { return "" }, Now: time.Now, CacheDir: t.TempDir(), ConfigDir: t.TempDir()}
	return s
}

func (s *baseSession) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.specs, name), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *baseSession) run(args ...string) (stdout string, err error) {
	return s.command(append([]string{"image", "base"}, args...)...)
}

func (s *baseSession) command(args ...string) (stdout string, err error) {
	var out, errs bytes.Buffer
	env := s.env
	env.Stdin, env.Stdout, env.Stderr = strings.NewReader(s.stdin), &out, &errs
	root := newRootCommand(&env)
	root.SetArgs(append(args, "--specs", s.specs))
	_, err = root.ExecuteContextC(s.t.Context())
	return out.String(), err
}

func TestImageBaseFetch(t *testing.T) {
	t.Parallel()
	s := newBaseSession(t)
	out, err := s.run("fetch", "small", "--debian-mirror", s.url)
	lines := strings.Split(out, "\n")
	if err != nil || len(lines) < 4 || lines[1] != "small for linux/amd64: 3 files, 0.0 MB, of 1 package" || !strings.HasPrefix(lines[2], "layer sha256:") {
		t.Fatalf("got %v\n%s", err, out)
	}
	if data, err := os.ReadFile(filepath.Join(lines[0], "usr", "bin", "x")); err != nil || string(data) != "text" {
		t.Errorf("got %q, %v", data, err)
	}
	out, err = s.run("fetch", "small", "--platform", "linux/amd64", "--json") // the cache has it
	var result struct{ Result []fetchedBase }
	last := strings.TrimSpace(out)
	last = last[strings.LastIndex(last, "\n")+1:]
	if err != nil || json.Unmarshal([]byte(last), &result) != nil || len(result.Result) != 1 || result.Result[0].Dir != lines[0] || result.Result[0].Bytes < 4 ||
		!strings.Contains(lines[2], result.Result[0].Digest) {
		t.Errorf("got %v\n%s", err, out)
	}
}

// TestImageBaseInRegistry takes a base from a registry that wants a password: image base fetch and image build ask for it
// in the same way.
func TestImageBaseInRegistry(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	digest := r.Push(t, "team/base:1", registrytest.Image(t, "linux/amd64", registrytest.Layer(t, "etc/motd", []byte("hello"))))
	r.Fail(registrytest.Login("puller", "secret"))
	s := newBaseSession(t)
	s.write("remote.yaml", "bases:\n  - {name: remote, reference: \""+r.Host+"/team/base@"+digest.String()+"\"}\n")
	fetch := []string{"fetch", "remote", "--platform", "linux/amd64"}
	if _, err := s.run(fetch...); err == nil || !strings.Contains(err.Error(), "credentials for "+r.Host+": none found") || !strings.Contains(hint.Of(err), "--password-stdin") {
		t.Errorf("without a password: %v, %s", err, hint.Of(err))
	}
	s.stdin = "secret\n"
	out, err := s.run(append(fetch, "--username", "puller", "--password-stdin")...)
	if err != nil || !strings.HasPrefix(out, "remote for linux/amd64: "+digest.String()+", ") {
		t.Errorf("with the password: %v\n%s", err, out)
	}
	if _, err := s.run("fetch", "small", "--username", "puller", "--password-stdin"); exitStatus(err) != exitUsage || !strings.Contains(err.Error(), "no base is in a registry") {
		t.Errorf("of a base of packages: %v", err)
	}
	s.write("elsewhere.yaml", "bases:\n  - {name: elsewhere, reference: \"example.org/base@"+digest.String()+"\"}\n")
	for args, want := range map[string]string{
		"--username puller --password-stdin": "bases are in several registries: " + r.Host + ", example.org",
		"--ca-file none":                     "certificates: open none",
		"--password secret":                  "--password: is not taken",
		"--username puller":                  "only one of them is given",
		"--username a --password-stdin --key k.asc --passphrase-file -": "standard input: is asked for the password of a registry and for the passphrase",
	} {
		for _, command := range []string{"image build v1.36.3", "release v1.36.3 --no-archive"} {
			if strings.Contains(args, "--key") && strings.HasPrefix(command, "image") {
				continue
			}
			if _, err := s.command(append(strings.Fields(command), strings.Fields(args)...)...); exitStatus(err) != exitUsage || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %s: got %v, status %d", command, args, err, exitStatus(err))
			}
		}
	}
}

func TestImageBaseRefuses(t *testing.T) {
	t.Parallel()
	s := newBaseSession(t)
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"fetch none", exitUsage, `base "none" is not declared`},
		{"fetch small --platform linux/s390x", exitUsage, "platform linux/s390x is not declared"},
		{"fetch small --platform linux", exitUsage, `platform "linux"`},
		{"fetch small --platform linux/386", exitFailure, "no packages are locked for it"},
		{"fetch image", exitFailure, "base image: blob sha256:0"},
		{"lock none", exitUsage, `base "none" is not declared`},
		{"lock image", exitUsage, `base "image" is not made of packages`},
		{"lock small --keyring none", exitUsage, "none"},
	} {
		if _, err := s.run(strings.Fields(c.args)...); exitStatus(err) != c.status || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v with status %d", c.args, err, exitStatus(err))
		}
	}
}

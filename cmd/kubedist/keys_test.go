package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
	"kubedist/repo"
)

// A rotationSession runs any command on an archive whose definition has keys.yaml beside it.
type rotationSession struct {
	*repoSession
	vars map[string]string
}

func newRotationSession(t *testing.T) *rotationSession {
	s := &rotationSession{newRepoSession(t), map[string]string{}}
	s.env.Getenv = func(name string) string { return s.vars[name] }
	s.file("archive.yaml", string(repo.Archive))
	return s
}

func (s *rotationSession) file(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// run runs one command line; $DIR in it is the session's directory. Fingerprints in the outputs are named.
func (s *rotationSession) run(line ...string) (stdout, stderr string, err error) {
	var out, errs bytes.Buffer
	env := *s.env
	env.Stdout, env.Stderr = &out, &errs
	root := newRootCommand(&env)
	for i := range line {
		line[i] = strings.ReplaceAll(line[i], "$DIR", s.dir)
	}
	root.SetArgs(line)
	err = root.ExecuteContext(s.t.Context())
	named := func(text string) string {
		text = regexp.MustCompile(`\b[0-9A-F]{40}\b`).ReplaceAllString(text, "FINGERPRINT")
		return strings.ReplaceAll(text, s.dir, "DIR")
	}
	return named(out.String()), named(errs.String()), err
}

func (s *rotationSession) must(line ...string) (stdout, stderr string) {
	s.t.Helper()
	out, errs, err := s.run(line...)
	if err != nil {
		s.t.Fatalf("%v: %v\n%s", line, err, errs)
	}
	return out, errs
}

// repo runs a repo command on the session's archive.
func (s *rotationSession) repo(args ...string) (stdout, stderr string) {
	s.t.Helper()
	return s.must(append(append([]string{"repo"}, args...), "--root", s.root, "--definition", "$DIR/archive.yaml")...)
}

// newKey makes a key file and returns its fingerprint.
func (s *rotationSession) newKey(name string, args ...string) string {
	s.t.Helper()
	s.must(append([]string{"key", "new", "--name", name, "--expires", "10y", "--output", "$DIR/" + name + ".asc"}, args...)...)
	keys, err := readKeys(s.t.Context(), s.env, filepath.Join(s.dir, name+".asc"))
	if err != nil {
		s.t.Fatal(err)
	}
	return keys[0].Fingerprint()
}

// signers tells which of the named keys signed a suite.
func (s *rotationSession) signers(names ...string) string {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.root, "dists/v1.36/InRelease"))
	if err != nil {
		s.t.Fatal(err)
	}
	var found []string
	for _, name := range names {
		keys, err := readKeys(s.t.Context(), s.env, filepath.Join(s.dir, name+".asc"))
		if err != nil {
			s.t.Fatal(err)
		}
		if _, _, err := openpgp.VerifyClearsigned(data, []*openpgp.Certificate{keys[0].Public()}, s.now.Add(time.Hour)); err == nil {
			found = append(found, name)
		}
	}
	return strings.Join(found, " ")
}

func TestSeveralKeys(t *testing.T) {
	t.Parallel()
	s := newRotationSession(t)
	s.newKey("one", "--passphrase-file", s.file("pass1", "correct horse\n"))
	s.newKey("two", "--passphrase-file", s.file("pass2", "battery staple\n"))
	s.newKey("three")
	deb := s.deb("kubeadm", "1.36.3-1.1", "amd64")
	s.repo("add", deb, "--suite", "v1.36", "--key", "$DIR/one.asc", "--key", "$DIR/two.asc", "--key", "$DIR/three.asc",
		"--passphrase-file", "$DIR/pass1", "--passphrase-file", "$DIR/pass2")
	if got := s.signers("one", "two", "three"); got != "one two three" {
		t.Errorf("signed by %q", got)
	}
	s.now = s.now.Add(time.Minute)
	s.vars["KUBEDIST_KEY"], s.vars["KUBEDIST_PASSPHRASE"] = s.dir+"/three.asc,"+s.dir+"/two.asc", "battery staple"
	s.repo("publish")
	if got := s.signers("one", "two", "three"); got != "two three" {
		t.Errorf("with KUBEDIST_KEY signed by %q", got)
	}
	for _, test := range []struct {
		name, says string
		args       []string
	}{
		{"the same twice", "named twice", []string{"--key", "$DIR/three.asc", "--key", "$DIR/three.asc"}},
		{"a passphrase for none", "wrong passphrase", []string{"--key", "$DIR/one.asc", "--passphrase-file", "$DIR/pass2"}},
		{"no fingerprint", "40 hexadecimal digits", []string{"--key", "gpg:1234"}},
	} {
		_, _, err := s.run(append([]string{"repo", "publish", "--root", s.root, "--definition", "$DIR/archive.yaml"}, test.args...)...)
		if err == nil || !strings.Contains(err.Error(), test.says) || exitStatus(err) != exitUsage || hint.Of(err) == "" && test.says != "named twice" {
			t.Errorf("%s: %v, status %d, hint %q", test.name, err, exitStatus(err), hint.Of(err))
		}
	}
}

// An archive moves from one key to the next by itself, once that is planned.
func TestRotation(t *testing.T) {
	t.Parallel()
	s := newRotationSession(t)
	s.newKey("one")
	s.newKey("two")
	deb := s.deb("kubeadm", "1.36.3-1.1", "amd64")
	out, errs := s.must("key", "rotate", "$DIR/one.asc", "--definition", "$DIR/archive.yaml")
	wantText(t, out, `DIR/keys.yaml: key FINGERPRINT signs from 2026-11-22 on
KEY                                       STATE  ANNOUNCED   SIGNS FROM  SIGNS UNTIL  EXPIRES     SECRET
FINGERPRINT  signs  2026-11-22  2026-11-22  -            2036-11-22  one.asc
`)
	wantText(t, errs, "")
	_, errs = s.repo("add", deb, "--suite", "v1.36")
	wantText(t, errs, "")

	s.now = s.now.AddDate(0, 1, 0)
	s.must("key", "rotate", "$DIR/two.asc", "--definition", "$DIR/archive.yaml", "--announce", "10d", "--overlap", "20d")
	out, _ = s.must("key", "schedule", "--definition", "$DIR/archive.yaml")
	wantText(t, out, `KEY                                       STATE      ANNOUNCED   SIGNS FROM  SIGNS UNTIL  EXPIRES     SECRET
FINGERPRINT  signs      2026-11-22  2026-11-22  2027-01-21   2036-11-22  one.asc
FINGERPRINT  announced  2026-12-22  2027-01-01  -            2036-11-22  two.asc
`)
	for _, step := range []struct{ day, reason, signers string }{
		{"2026-12-23", "published, signing keys changed", "one"}, // Signed-By names both from now on
		{"2026-12-31", "unchanged", "one"},
		{"2027-01-01", "published, signing keys changed", "one two"},
		{"2027-01-20", "unchanged", "one two"},
		{"2027-01-21", "published, signing keys changed", "two"},
	} {
		var err error
		if s.now, err = time.Parse(time.DateOnly, step.day); err != nil {
			t.Fatal(err)
		}
		out, errs := s.repo("publish")
		if !strings.Contains(out, "suite v1.36: "+step.reason) || errs != "" {
			t.Errorf("on %s: %s%s", step.day, out, errs)
		}
		if got := s.signers("one", "two"); got != step.signers {
			t.Errorf("on %s signed by %q, want %q", step.day, got, step.signers)
		}
	}
	keyring, err := os.ReadFile(filepath.Join(s.root, "kubernetes-archive-keyring.gpg"))
	if err != nil {
		t.Fatal(err)
	}
	if certs, err := openpgp.ParseKeyring(keyring); err != nil || len(certs) != 2 {
		t.Errorf("the keyring has %d keys, %v", len(certs), err)
	}

	_, errs = s.repo("publish", "--key", "$DIR/one.asc")
	if !strings.Contains(errs, "key FINGERPRINT signs, though DIR/keys.yaml does not have it sign now") || !strings.Contains(errs, "key FINGERPRINT does not sign, though") {
		t.Errorf("the wrong key by hand: %q", errs)
	}
	if err := os.Rename(filepath.Join(s.dir, "one.asc"), filepath.Join(s.dir, "two.asc")); err != nil {
		t.Fatal(err)
	}
	_, _, err = s.run("repo", "publish", "--root", s.root, "--definition", "$DIR/archive.yaml")
	if err == nil || !strings.Contains(err.Error(), "is not the one in two.asc") || exitStatus(err) != exitUsage {
		t.Errorf("another key in its place: %v", err)
	}
}

// A key whose secret is elsewhere is announced all the same.
func TestRotateToPublicKey(t *testing.T) {
	t.Parallel()
	s := newRotationSession(t)
	s.newKey("one")
	s.must("key", "show", "$DIR/one.asc", "--export", "$DIR/public.asc")
	s.must("key", "rotate", "$DIR/public.asc", "--definition", "$DIR/archive.yaml")
	s.deb("kubeadm", "1.36.3-1.1", "amd64")
	args := []string{"repo", "add", filepath.Join(s.dir, "debs"), "--suite", "v1.36", "--root", s.root, "--definition", "$DIR/archive.yaml"}
	if _, _, err := s.run(args...); err == nil || !strings.Contains(hint.Of(err), "--key") {
		t.Errorf("without its secret: %v, hint %q", err, hint.Of(err))
	}
	if _, errs := s.must(append(args, "--key", "$DIR/one.asc")...); errs != "" {
		t.Errorf("with its secret: %s", errs)
	}
	if _, _, err := s.run("key", "schedule", "--definition", "$DIR/nowhere/archive.yaml"); exitStatus(err) != exitUsage {
		t.Errorf("no plan: %v", err)
	}
}

// One key is a file, the next in GnuPG; both sign in the overlap.
func TestRotateToGnuPG(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"gpg", "gpg-agent", "gpgconf"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	home, err := os.MkdirTemp("", "gnupg") // short enough for the agent's socket
	if err != nil {
		t.Fatal(err)
	}
	gpg := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), name, args...)
		cmd.Env = append(os.Environ(), "GNUPGHOME="+home, "LC_ALL=C")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	t.Cleanup(func() {
		gpg("gpgconf", "--kill", "all")
		_ = os.RemoveAll(home)
	})
	s := newRotationSession(t)
	s.vars["GNUPGHOME"] = home
	s.newKey("one")
	gpg("gpg", "--batch", "--faked-system-time", "20260101T000000!", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-generate-key", "Two <two@example.org>", "ed25519", "cert,sign", "never")
	fingerprint := regexp.MustCompile(`(?m)^fpr:+([0-9A-F]{40}):`).FindStringSubmatch(gpg("gpg", "--batch", "--with-colons", "--list-keys"))[1]
	s.must("key", "rotate", "$DIR/one.asc", "--definition", "$DIR/archive.yaml")
	s.must("key", "rotate", "gpg:"+fingerprint, "--definition", "$DIR/archive.yaml", "--announce", "0d", "--overlap", "30d")
	s.repo("add", s.deb("kubeadm", "1.36.3-1.1", "amd64"), "--suite", "v1.36")
	s.file("two.asc", gpg("gpg", "--batch", "--quiet", "--armor", "--export", fingerprint))
	if got := s.signers("one", "two"); got != "one two" {
		t.Errorf("signed by %q", got)
	}
	if out, _ := s.must("key", "show", "gpg:"+fingerprint); !strings.Contains(out, "secret       in GnuPG\n") {
		t.Errorf("key show says\n%s", out)
	}
	gpg("gpg", "--batch", "--faked-system-time", "20261101T000000!", "--quick-set-expire", fingerprint, "5y")
	if _, _, err := s.run("key", "renew", "gpg:"+fingerprint, "--definition", "$DIR/archive.yaml"); err == nil || !strings.Contains(err.Error(), "sooner than in the plan") {
		t.Errorf("a key that never ended: %v", err)
	}
	if out, _ := s.must("key", "renew", "$DIR/two.asc", "--definition", "$DIR/archive.yaml"); !strings.HasPrefix(out, "KEY ") {
		t.Errorf("key renew of what is there says\n%s", out)
	}
	if out, _ := s.must("repo", "verify", "--root", s.root, "--keyring", "$DIR/two.asc"); !strings.Contains(out, "all as signed") {
		t.Errorf("repo verify says %s", out)
	}

	// The key is revoked: it signs no more, and the keyring says so.
	revocation, err := os.ReadFile(filepath.Join(home, "openpgp-revocs.d", fingerprint+".rev"))
	if err != nil {
		t.Fatal(err)
	}
	gpg("gpg", "--batch", "--import", s.file("revocation.asc", strings.Replace(string(revocation), "\n:-----BEGIN", "\n-----BEGIN", 1)))
	if out, _ := s.must("key", "renew", "gpg:"+fingerprint, "--definition", "$DIR/archive.yaml"); !strings.Contains(out, "is revoked and signs no more") || !strings.Contains(out, "FINGERPRINT  revoked") {
		t.Errorf("key renew of a revoked key says\n%s", out)
	}
	s.repo("publish")
	if got := s.signers("one", "two"); got != "one" {
		t.Errorf("after the revocation signed by %q", got)
	}
	keyring, err := os.ReadFile(filepath.Join(s.root, "kubernetes-archive-keyring.gpg"))
	if err != nil {
		t.Fatal(err)
	}
	certs, err := openpgp.ParseKeyring(keyring)
	if err != nil || len(certs) != 2 || certs[0].Revoked() == certs[1].Revoked() {
		t.Errorf("the keyring has %v, %v", certs, err)
	}
}

// Months ahead, everything that looks at keys says that they run out.
func TestKeysRunOut(t *testing.T) {
	t.Parallel()
	s := newRotationSession(t)
	s.must("key", "new", "--expires", "300d", "--output", "$DIR/one.asc") // can sign for 120 more days
	_, errs := s.must("key", "rotate", "$DIR/one.asc", "--definition", "$DIR/archive.yaml")
	if !strings.Contains(errs, "is the last key, and can sign until 2027-03-22: in 119 days nothing can be published\nhint: make its successor known now") {
		t.Errorf("key rotate says %q", errs)
	}
	_, errs = s.repo("add", s.deb("kubeadm", "1.36.3-1.1", "amd64"), "--suite", "v1.36")
	const want = "warning: key FINGERPRINT: expires on 2027-09-18 and can sign for 120 more days, as what it signs is good for 180; make its successor known now: kubedist key new, then kubedist key rotate\n"
	wantText(t, errs, want)
	_, errs = s.repo("publish")
	wantText(t, errs, want)
	s.must("key", "show", "$DIR/one.asc", "--export", "$DIR/public.asc")
	s.now = s.now.Add(time.Minute)
	_, errs = s.must("repo", "verify", "--root", s.root, "--keyring", "$DIR/public.asc")
	wantText(t, errs, strings.Replace(want, "120", "119", 1))
}

// doctor looks at each key that would sign, and at the plan.
func TestDoctorKeys(t *testing.T) {
	t.Parallel()
	s := newRotationSession(t)
	s.must("key", "new", "--expires", "90d", "--output", "$DIR/one.asc")
	s.newKey("two")
	s.vars["KUBEDIST_KEY"] = s.dir + "/one.asc," + s.dir + "/two.asc," + s.dir + "/none.asc"
	all := signingKeys(t.Context(), s.env)
	if len(all) != 3 || len(all[0].warnings) != 1 || all[0].err != nil || len(all[1].warnings) != 0 || all[1].err != nil || all[2].err == nil {
		t.Errorf("of three keys, the first of which ends soon and the last is not there: %+v", all)
	}
	s.must("key", "rotate", "$DIR/two.asc", "--definition", "$DIR/archive.yaml")
	plan, err := loadPlan(filepath.Join(s.dir, "keys.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	archive := &archiveOptions{definition: filepath.Join(s.dir, "archive.yaml")}
	if d := planned(s.env, plan, archive); d.err != nil || len(d.warnings) != 0 {
		t.Errorf("a plan for years: %+v", d)
	}
	plan.Keys[0].SignsUntil = s.now.AddDate(0, 1, 0)
	d := planned(s.env, plan, archive)
	var out bytes.Buffer
	printDiagnosis(&out, d)
	if d.err != nil || len(d.warnings) != 1 || !strings.Contains(out.String(), "\nwarn   signing keys   key ") || !strings.Contains(out.String(), "hint: make its successor known now") {
		t.Errorf("a plan for a month: %+v, printed as\n%s", d, out.String())
	}
}

func TestBesidePlan(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ place, file, want string }{
		{"archive.asc", "repo/keys.yaml", "../archive.asc"},
		{"repo/keys/archive.asc", "repo/keys.yaml", "keys/archive.asc"},
		{"/srv/archive/repo/keys/archive.asc", "/srv/archive/repo/keys.yaml", "keys/archive.asc"},
		{"/etc/keys/archive.asc", "/srv/archive/repo/keys.yaml", "/etc/keys/archive.asc"},
	} {
		if got, err := besidePlan(test.place, test.file); err != nil || got != test.want {
			t.Errorf("%s in %s is %q, %v; want %q", test.place, test.file, got, err, test.want)
		}
	}
}

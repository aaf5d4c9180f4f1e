package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
)

// A keySession runs key commands in a configuration directory of its own.
type keySession struct {
	t       *testing.T
	env     *environment
	dir     string
	vars    map[string]string
	stdout  bytes.Buffer
	stderr  bytes.Buffer
	outputs string // all that was ever printed
}

func newKeySession(t *testing.T) *keySession {
	s := &keySession{t: t, dir: t.TempDir(), vars: map[string]string{}}
	s.env = &environment{
		Stdin: strings.NewReader(""), Stdout: &s.stdout, Stderr: &s.stderr,
		Getenv:    func(name string) string { return s.vars[name] },
		Now:       func() time.Time { return time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC) },
		ConfigDir: filepath.Join(t.TempDir(), "kubedist"),
	}
	return s
}

// run runs one command line and returns its standard output, with the changing parts named.
func (s *keySession) run(args ...string) (string, error) {
	s.t.Helper()
	s.stdout.Reset()
	s.stderr.Reset()
	root := &cobra.Command{Use: "kubedist", SilenceUsage: true, SilenceErrors: true}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError(err) })
	root.AddCommand(newKeyCommand(s.env))
	root.SetOut(&s.stdout)
	root.SetErr(&s.stderr)
	root.SetArgs(append([]string{"key"}, args...))
	err := root.ExecuteContext(s.t.Context())
	out := s.stdout.String()
	s.outputs += out + s.stderr.String()
	out = regexp.MustCompile(`\b[0-9A-F]{40}\b`).ReplaceAllString(out, "FINGERPRINT")
	return strings.NewReplacer(s.dir, "DIR", s.env.ConfigDir, "CONFIG").Replace(out), err
}

// must is run for command lines that have to succeed.
func (s *keySession) must(args ...string) string {
	s.t.Helper()
	out, err := s.run(args...)
	if err != nil {
		s.t.Fatalf("key %v: %v", args, err)
	}
	return out
}

// path names a file of the session.
func (s *keySession) path(name string) string { return filepath.Join(s.dir, name) }

// write makes a file of the session.
func (s *keySession) write(name, content string, mode fs.FileMode) string {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(content), mode); err != nil {
		s.t.Fatal(err)
	}
	return s.path(name)
}

func wantText(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestKeyNewDefaults(t *testing.T) {
	t.Parallel()
	s := newKeySession(t)
	wantText(t, s.must("new"), `fingerprint  FINGERPRINT
user id      kubedist archive key
algorithm    ed25519
created      2025-11-22
expires      2029-11-22
secret       open
file         CONFIG/keys/archive.asc
`)
	if !strings.Contains(s.stderr.String(), "not protected") {
		t.Errorf("nothing is said about the missing passphrase: %q", s.stderr.String())
	}
	for path, want := range map[string]fs.FileMode{"keys": fs.ModeDir | 0o700, "keys/archive.asc": 0o600} {
		info, err := os.Stat(filepath.Join(s.env.ConfigDir, path))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("mode of %s is %v, want %v", path, info.Mode(), want)
		}
	}
	_, err := s.run("new")
	if exitStatus(err) != exitUsage || !errors.Is(err, fs.ErrExist) || hint.Of(err) == "" {
		t.Errorf("a second key in the same place: %v, status %d, hint %q", err, exitStatus(err), hint.Of(err))
	}
}

func TestKeyNewPassphrase(t *testing.T) {
	t.Parallel()
	const secret = "correct horse battery"
	tests := []struct {
		name  string
		setup func(*keySession) []string
	}{
		{"file", func(s *keySession) []string {
			return []string{"--passphrase-file", s.write("pass", secret+"\nnot this\n", 0o600)}
		}},
		{"standard input", func(s *keySession) []string {
			s.env.Stdin = strings.NewReader(secret + "\r\n")
			return []string{"--passphrase-file", "-"}
		}},
		{"environment", func(s *keySession) []string {
			s.vars["KUBEDIST_PASSPHRASE"] = secret
			return nil
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newKeySession(t)
			out := s.must(append([]string{"new", "--output", s.path("k.asc")}, test.setup(s)...)...)
			if !strings.Contains(out, "secret       locked\n") || s.stderr.Len() != 0 {
				t.Errorf("got\n%s%s", out, s.stderr.String())
			}
			keys, err := readKeys(t.Context(), s.env, s.path("k.asc"))
			if err != nil {
				t.Fatal(err)
			}
			if err := keys[0].Unlock([]byte(secret)); err != nil {
				t.Error(err)
			}
			if strings.Contains(s.outputs, "horse") {
				t.Error("the passphrase was printed")
			}
		})
	}
}

func TestKeyNewJSON(t *testing.T) {
	t.Parallel()
	s := newKeySession(t)
	out := s.must("new", "--json", "--name", "Example", "--email", "a@example.org", "--comment", "test",
		"--expires", "never", "--created", "2026-01-31", "--output", s.path("k.asc"))
	wantText(t, out, `{
  "file": "DIR/k.asc",
  "fingerprint": "FINGERPRINT",
  "userIDs": [
    "Example (test) \u003ca@example.org\u003e"
  ],
  "algorithm": "ed25519",
  "created": "2026-01-31T00:00:00Z",
  "secret": "open"
}
`)
}

func TestKeyUsage(t *testing.T) {
	t.Parallel()
	s := newKeySession(t)
	good := s.path("good.asc")
	s.must("new", "--output", good)
	text := s.write("text", "hello\n", 0o600)
	empty := s.write("empty", "\n", 0o600)
	tests := []struct {
		args []string
		says string
	}{
		{[]string{"bogus"}, `unknown command "bogus"`},
		{[]string{"new", "x"}, "unknown"},
		{[]string{"new", "--passphrase", "secret"}, "unknown flag"},
		{[]string{"new", "--algorithm", "dsa"}, `"dsa"`},
		{[]string{"new", "--expires", "soon"}, `"soon"`},
		{[]string{"new", "--expires", "0d"}, "have ended"},
		{[]string{"new", "--expires", "2026-11-22"}, "have ended"},
		{[]string{"new", "--expires", "500y"}, "136 years"},
		{[]string{"new", "--created", "yesterday"}, "not a date"},
		{[]string{"new", "--name", "a<b"}, "cannot hold"},
		{[]string{"new", "--passphrase-file", s.path("none")}, "no such file"},
		{[]string{"new", "--passphrase-file", empty}, "first line is empty"},
		{[]string{"show"}, "no key file"},
		{[]string{"show", s.path("none")}, "no such file"},
		{[]string{"show", text}, "no OpenPGP key"},
		{[]string{"show", "--json", "--armor", good}, "exclude each other"},
		{[]string{"show", "--export", s.path("keyring.pgp"), good}, "its form"},
		{[]string{"show", "--armor", good, good}, "twice"},
		{[]string{"check"}, "no key file"},
		{[]string{"check", text}, "no OpenPGP key"},
		{[]string{"check", "--until", "never", good}, "--until"},
		{[]string{"check", "--warn-before", "never", good}, "--warn-before"},
	}
	for _, test := range tests {
		out, err := s.run(test.args...)
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("key %v: error is %v, want one that says %q", test.args, err, test.says)
			continue
		}
		if out != "" {
			t.Errorf("key %v: printed %q beside the error", test.args, out)
		}
		if exitStatus(err) != exitUsage {
			t.Errorf("key %v: status %d, want %d", test.args, exitStatus(err), exitUsage)
		}
	}
	if _, err := os.Stat(filepath.Join(s.env.ConfigDir, "keys", "archive.asc")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a refused command made a key: %v", err)
	}
}

func TestKeyShow(t *testing.T) {
	t.Parallel()
	s := newKeySession(t)
	s.must("new", "--name", "One", "--output", s.path("one.asc"))
	s.must("new", "--name", "Two", "--expires", "never", "--output", s.path("two.asc"))
	if out := s.must("show", "--export", s.path("ring.gpg"), s.path("one.asc"), s.path("two.asc")); out != "" {
		t.Errorf("exporting prints %q", out)
	}
	wantText(t, s.must("show", s.path("one.asc"), s.path("ring.gpg")), `fingerprint  FINGERPRINT
user id      One
algorithm    ed25519
created      2025-11-22
expires      2029-11-22
secret       open
file         DIR/one.asc

fingerprint  FINGERPRINT
user id      One
algorithm    ed25519
created      2025-11-22
expires      2029-11-22
secret       absent
file         DIR/ring.gpg

fingerprint  FINGERPRINT
user id      Two
algorithm    ed25519
created      2025-11-22
expires      never
secret       absent
file         DIR/ring.gpg
`)
	s.must("show", "--export", s.path("ring.asc"), s.path("ring.gpg"))
	s.must("show", "--armor", s.path("one.asc"), s.path("two.asc"))
	armored, err := os.ReadFile(s.path("ring.asc"))
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, s.stdout.String(), string(armored))
	if strings.Contains(string(armored), "PRIVATE") || !strings.HasPrefix(string(armored), "-----BEGIN PGP PUBLIC KEY BLOCK-----\n") {
		t.Errorf("exported\n%s", armored)
	}
	var views []keyView
	s.must("show", "--json", s.path("ring.asc"))
	if err := json.Unmarshal(s.stdout.Bytes(), &views); err != nil {
		t.Fatal(err)
	}
	if len(views) != 2 || views[0].UserIDs[0] != "One" || views[1].Secret != "absent" || !views[1].Expires.IsZero() {
		t.Errorf("JSON is %+v", views)
	}
}

func TestKeyCheck(t *testing.T) {
	t.Parallel()
	s := newKeySession(t)
	key := s.path("key.asc")
	s.must("new", "--name", "Example", "--expires", "90d", "--output", key)
	tests := []struct {
		name   string
		args   []string
		mode   fs.FileMode
		want   string
		status int
	}{
		{"good", []string{"--warn-before", "30d"}, 0o600, "FINGERPRINT  ed25519  Example: good, expires 2027-02-20\n", exitOK},
		{"ends within half a year", nil, 0o600, `FINGERPRINT  ed25519  Example: 1 finding
  warning  expires on 2027-02-20 10:30 UTC, in 90 days
           hint: extend it, with gpg --quick-set-expire, and publish the public key again; or make a new one with: kubedist key new
`, exitOK},
		{"ends too early", []string{"--until", "2027-03-01"}, 0o600, `FINGERPRINT  ed25519  Example: 1 finding
  error  expires on 2027-02-20 10:30 UTC, but is needed until 2027-03-01 00:00 UTC
         hint: extend it, with gpg --quick-set-expire, and publish the public key again; or make a new one with: kubedist key new
`, exitCheck},
		{"open to others", []string{"--warn-before", "30d"}, 0o644, `FINGERPRINT  ed25519  Example: 1 finding
  warning  others can read or change the secret: mode 0644
           in: DIR/key.asc
           hint: chmod 600 DIR/key.asc
`, exitOK},
	}
	for _, test := range tests {
		if err := os.Chmod(key, test.mode); err != nil {
			t.Fatal(err)
		}
		out, err := s.run(append(append([]string{"check"}, test.args...), key)...)
		if out != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", test.name, out, test.want)
		}
		if exitStatus(err) != test.status {
			t.Errorf("%s: status %d, want %d: %v", test.name, exitStatus(err), test.status, err)
		}
	}
	_, err := s.run("check", "--json", "--until", "1y", key)
	if exitStatus(err) != exitCheck {
		t.Errorf("with --json: status %d: %v", exitStatus(err), err)
	}
	var reports []keyReport
	if err := json.Unmarshal(s.stdout.Bytes(), &reports); err != nil {
		t.Fatal(err)
	}
	if len(reports) != 1 || len(reports[0].Findings) != 2 {
		t.Fatalf("JSON is %+v", reports)
	}
	if f := reports[0].Findings[0]; f.Severity != openpgp.Error || f.Subject != reports[0].Fingerprint {
		t.Errorf("first finding is %+v", f)
	}
}

func TestParseWhen(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 10, 0, 0, 5, time.UTC)
	tests := []struct{ text, want string }{
		{"2y", "2028-11-30T10:00:00Z"},
		{"3m", "2027-03-02T10:00:00Z"},
		{"2w", "2026-12-14T10:00:00Z"},
		{"90d", "2027-02-28T10:00:00Z"},
		{"2030-01-31", "2030-01-31T00:00:00Z"},
		{"never", "0001-01-01T00:00:00Z"},
		{"", ""}, {"d", ""}, {"1", ""}, {"-1d", ""}, {"1h", ""}, {"1.5y", ""}, {"99999y", ""}, {"2030-13-01", ""},
	}
	for _, test := range tests {
		got, err := parseWhen(test.text, now)
		if (err != nil) != (test.want == "") || err == nil && got.Format(time.RFC3339) != test.want {
			t.Errorf("parseWhen(%q) = %s, %v, want %q", test.text, got.Format(time.RFC3339), err, test.want)
		}
		if err != nil && hint.Of(err) == "" {
			t.Errorf("parseWhen(%q): no hint", test.text)
		}
	}
}

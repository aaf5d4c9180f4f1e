package gnupg_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"kubedist/pkg/gnupg"
	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
)

// When the tests' keys are made, and when they sign: not the real time, which gpg must not look at.
var (
	made   = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	signed = time.Date(2024, 2, 1, 12, 0, 0, 0, time.UTC)
)

// A home is a GnuPG of the test's own, with its own agent.
type home struct {
	t   *testing.T
	dir string
}

// newHome skips the test where GnuPG is not installed.
func newHome(t *testing.T) *home {
	t.Helper()
	for _, tool := range []string{"gpg", "gpg-agent", "gpgconf"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	// Sockets of the agent live in the home, and socket paths are short: t.TempDir's can be too long.
	dir, err := os.MkdirTemp("", "gnupg")
	if err != nil {
		t.Fatal(err)
	}
	h := &home{t, dir}
	t.Cleanup(func() {
		_, _ = h.run("gpgconf", "--kill", "all")
		_ = os.RemoveAll(dir)
	})
	// What a user may have set must change nothing.
	h.write("gpg.conf", "comment from a user\ndigest-algo SHA1\nsig-notation who@example.org=me\nno-emit-version\n")
	return h
}

func (h *home) environ() []string { return append(os.Environ(), "GNUPGHOME="+h.dir, "GPG_TTY=") }

func (h *home) options() gnupg.Options { return gnupg.Options{Environ: h.environ()} }

func (h *home) write(name, text string) string {
	h.t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return path
}

func (h *home) run(name string, args ...string) (string, error) {
	cmd := exec.CommandContext(context.WithoutCancel(h.t.Context()), name, args...)
	cmd.Env = append(h.environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (h *home) must(name string, args ...string) string {
	h.t.Helper()
	out, err := h.run(name, args...)
	if err != nil {
		h.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return out
}

// newKey has gpg make a key and returns its fingerprint.
func (h *home) newKey(algorithm, usage, passphrase string) string {
	h.t.Helper()
	h.must("gpg", "--no-options", "--batch", "--faked-system-time", "20240101T000000!", "--pinentry-mode", "loopback", "--passphrase", passphrase,
		"--quick-generate-key", algorithm+" <"+algorithm+"@example.org>", algorithm, usage, "never")
	return h.fingerprints(algorithm)[0]
}

// fingerprints lists the primary key that a user ID names, and its subkeys.
func (h *home) fingerprints(who string) []string {
	h.t.Helper()
	var all []string
	for line := range strings.Lines(h.must("gpg", "--no-options", "--batch", "--with-colons", "--list-keys", who)) {
		if fields := strings.Split(line, ":"); fields[0] == "fpr" {
			all = append(all, fields[9])
		}
	}
	return all
}

// public reads a key's public part without this package's help.
func (h *home) public(fingerprint string) []*openpgp.Certificate {
	h.t.Helper()
	certs, err := openpgp.ParseKeyring([]byte(h.must("gpg", "--no-options", "--batch", "--quiet", "--armor", "--export", fingerprint)))
	if err != nil {
		h.t.Fatal(err)
	}
	return certs
}

const text = "Origin: Example\nSuite: stable\n- a dash\nFrom here on\n"

func TestSign(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	for _, algorithm := range []string{"ed25519", "rsa2048"} {
		t.Run(algorithm, func(t *testing.T) {
			fingerprint := h.newKey(algorithm, "cert,sign", "")
			spaced := strings.ToLower(fingerprint[:20]) + "  " + fingerprint[20:]
			s, err := gnupg.Open(t.Context(), spaced, h.options())
			if err != nil {
				t.Fatal(err)
			}
			if s.Fingerprint() != fingerprint || !s.Public().Created().Equal(made) || s.CanSign(signed) != nil {
				t.Fatalf("opened %s of %s: %v", s.Fingerprint(), s.Public().Created(), s.CanSign(signed))
			}
			file, err := s.Clearsign(t.Context(), []byte(text), signed)
			if err != nil {
				t.Fatal(err)
			}
			got, signers, err := openpgp.VerifyClearsigned(file, h.public(fingerprint), signed)
			if err != nil || string(got) != text || len(signers) != 1 {
				t.Errorf("clearsigned %q by %v: %v", got, signers, err)
			}
			detached, err := s.Detached(t.Context(), strings.NewReader(text), signed)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := openpgp.VerifyDetached(t.Context(), strings.NewReader(text), detached, h.public(fingerprint), signed); err != nil {
				t.Error(err)
			}
			for _, said := range []string{"Comment", "Version"} {
				if bytes.Contains(file, []byte(said)) || bytes.Contains(detached, []byte(said)) {
					t.Errorf("a signature has a %s header", said)
				}
			}
			// The whole second is what counts, and it alone.
			again, err := s.Clearsign(t.Context(), []byte(text), signed.Add(999*time.Millisecond))
			if err != nil || !bytes.Equal(again, file) {
				t.Errorf("another run signs other bytes: %v", err)
			}
			later, err := s.Clearsign(t.Context(), []byte(text), signed.Add(time.Second))
			if err != nil || bytes.Equal(later, file) {
				t.Errorf("the time makes no difference: %v", err)
			}
			if out, err := h.run("gpg", "--batch", "--verify", h.write("InRelease", string(file))); err != nil || !strings.Contains(out, "Good signature") {
				t.Errorf("gpg says: %s", out)
			}
		})
	}
}

// One of the agent's keys and one of a file sign the same Release.
func TestBesideAnotherSigner(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s, err := gnupg.Open(t.Context(), h.newKey("rsa2048", "cert,sign", ""), h.options())
	if err != nil {
		t.Fatal(err)
	}
	other, err := openpgp.Generate(t.Context(), openpgp.GenerateOptions{Name: "Other", Created: made})
	if err != nil {
		t.Fatal(err)
	}
	file, err := openpgp.ClearsignAll(t.Context(), []byte(text), signed, other, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, keyring := range []*openpgp.Certificate{s.Public(), other.Public()} {
		if _, _, err := openpgp.VerifyClearsigned(file, []*openpgp.Certificate{keyring}, signed); err != nil {
			t.Error(err)
		}
	}
}

// A primary key kept elsewhere leaves its subkey to sign.
func TestSubkey(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	primary := h.newKey("ed25519", "cert", "")
	h.must("gpg", "--no-options", "--batch", "--faked-system-time", "20240101T000000!", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-add-key", primary, "ed25519", "sign", "never")
	subkey := h.fingerprints(primary)[1]
	secret := h.must("gpg", "--no-options", "--batch", "--quiet", "--armor", "--export-secret-subkeys", primary)
	h.must("gpg", "--no-options", "--batch", "--yes", "--delete-secret-keys", primary)
	if _, err := gnupg.Open(t.Context(), primary, h.options()); !errors.Is(err, openpgp.ErrNoSecret) || hint.Of(err) == "" {
		t.Errorf("without a secret: %v", err)
	}
	h.must("gpg", "--no-options", "--batch", "--import", h.write("secret.asc", secret))
	s, err := gnupg.Open(t.Context(), primary, h.options())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Detached(t.Context(), strings.NewReader(text), signed); err != nil {
		t.Error(err)
	}
	_, err = gnupg.Open(t.Context(), subkey, h.options())
	if err == nil || !strings.Contains(hint.Of(err), primary) {
		t.Errorf("opened by its subkey: %v, hint %q", err, hint.Of(err))
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	// No terminal and no pinentry, as in a build.
	h.write("gpg-agent.conf", "pinentry-program /nonexistent/pinentry\n")
	locked := h.newKey("ed25519", "cert,sign", "secret")
	never := h.newKey("nistp256", "cert,sign", "")
	h.must("gpgconf", "--reload", "gpg-agent") // so that it forgets the passphrase
	for _, test := range []struct {
		name, fingerprint string
		at                time.Time
		is                error
		says, hint        string
	}{
		{"too short", "0123ABCD", signed, nil, "not 40 hexadecimal digits", "gpg --list-secret-keys"},
		{"unknown", strings.Repeat("A", 40), signed, openpgp.ErrNotKey, "does not have it", "GNUPGHOME"},
		{"too young", locked, made.Add(-time.Hour), openpgp.ErrNotYetValid, "", "SOURCE_DATE_EPOCH"},
		{"random", never, signed, openpgp.ErrCannotSign, "never the same bytes twice", "ed25519"},
		{"locked", locked, signed, nil, "No pinentry", "gpg-preset-passphrase"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := gnupg.Open(t.Context(), test.fingerprint, h.options())
			if err == nil {
				_, err = s.Detached(t.Context(), strings.NewReader(text), test.at)
			}
			if err == nil || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) || !strings.Contains(hint.Of(err), test.hint) {
				t.Errorf("%v, hint %q; want one of %v that says %q", err, hint.Of(err), test.is, test.says)
			}
		})
	}
	if _, err := gnupg.Open(t.Context(), locked, gnupg.Options{Program: filepath.Join(h.dir, "nothing"), Environ: h.environ()}); err == nil {
		t.Error("a program that is not there opens a key")
	}
}

// A locked key signs where nobody can be asked, once the agent was told its passphrase: what the hint says.
func TestPresetPassphrase(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	preset := filepath.Join(strings.TrimSpace(h.must("gpgconf", "--list-dirs", "libexecdir")), "gpg-preset-passphrase")
	if _, err := os.Stat(preset); err != nil {
		t.Skipf("%s is not installed", preset)
	}
	h.write("gpg-agent.conf", "pinentry-program /nonexistent/pinentry\nallow-preset-passphrase\n")
	fingerprint := h.newKey("ed25519", "cert,sign", "secret")
	h.must("gpgconf", "--reload", "gpg-agent") // so that it forgets the passphrase
	s, err := gnupg.Open(t.Context(), fingerprint, h.options())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Clearsign(t.Context(), []byte(text), signed); err == nil {
		t.Fatal("signs without a passphrase")
	}
	var keygrip string
	for line := range strings.Lines(h.must("gpg", "--no-options", "--batch", "--with-colons", "--with-keygrip", "--list-secret-keys")) {
		if fields := strings.Split(line, ":"); fields[0] == "grp" {
			keygrip = fields[9]
		}
	}
	h.must(preset, "--preset", "--passphrase", "secret", keygrip)
	if _, err := s.Clearsign(t.Context(), []byte(text), signed); err != nil {
		t.Error(err)
	}
}

func TestDataAndContext(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s, err := gnupg.Open(t.Context(), h.newKey("ed25519", "cert,sign", ""), h.options())
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the disk is gone")
	if _, err := s.Detached(t.Context(), io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)), signed); !errors.Is(err, broken) {
		t.Errorf("data that cannot be read: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Detached(ctx, strings.NewReader(text), signed); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
	for _, bad := range []string{"", "ends in blanks \n", "carriage\rreturn\n"} {
		if _, err := s.Clearsign(t.Context(), []byte(bad), signed); !errors.Is(err, openpgp.ErrMalformed) {
			t.Errorf("text %q: %v", bad, err)
		}
	}
}

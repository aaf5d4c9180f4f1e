package openpgp

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"kubedist/pkg/hint"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The times that most tests use: when keys are made, when they sign, and when signatures are checked.
var (
	created = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	signed  = time.Date(2024, 2, 1, 12, 0, 0, 0, time.UTC)
	checked = time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)
)

// readTestdata returns a file of testdata.
func readTestdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// loadTestKey opens a secret key of testdata.
func loadTestKey(t testing.TB, name string) *Key {
	t.Helper()
	key, err := LoadFile(t.Context(), filepath.Join("testdata", name), LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// testCertificate returns the public part of the first key in a file of testdata.
func testCertificate(t testing.TB, name string) *Certificate {
	t.Helper()
	keys, err := Parse(readTestdata(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return keys[0].Public()
}

// newTestKey makes an Ed25519 key that is the same for the same seed.
func newTestKey(t testing.TB, seed byte, lifetime time.Duration) *Key {
	t.Helper()
	key, err := Generate(t.Context(), GenerateOptions{
		Name: "Test", Email: "test@example.org", Created: created, Lifetime: lifetime,
		Rand: rand.NewChaCha8([32]byte{seed}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// wantError fails the test unless err wraps target and carries a hint.
func wantError(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("error is %v, want one that wraps %q", err, target)
	}
	if hint.Of(err) == "" {
		t.Errorf("error %q has no hint", err)
	}
}

// golden compares got with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; got\n%s", name, got)
	}
}

// A gnupg is a GnuPG home of the test's own.
type gnupg struct {
	t    *testing.T
	home string
}

// newGnupg skips the test where GnuPG is not installed.
func newGnupg(t *testing.T) *gnupg {
	t.Helper()
	for _, tool := range []string{"gpg", "gpgv"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	// Sockets of the agent live in the home, and socket paths are short: t.TempDir's can be too long.
	home, err := os.MkdirTemp("", "gnupg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		kill := exec.Command("gpgconf", "--kill", "all")
		kill.Env = append(os.Environ(), "GNUPGHOME="+home)
		_ = kill.Run()
		_ = os.RemoveAll(home)
	})
	return &gnupg{t, home}
}

// run returns what a GnuPG program prints on both channels, and its error.
func (g *gnupg) run(name string, args ...string) (string, error) {
	g.t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(g.t.Context()), name, args...)
	cmd.Env = append(os.Environ(), "GNUPGHOME="+g.home, "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// must is run for commands that have to succeed.
func (g *gnupg) must(name string, args ...string) string {
	g.t.Helper()
	out, err := g.run(name, args...)
	if err != nil {
		g.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return out
}

// file writes a file for GnuPG to read and returns its path.
func (g *gnupg) file(name string, data []byte) string {
	g.t.Helper()
	path := filepath.Join(g.t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		g.t.Fatal(err)
	}
	return path
}

// failingReader fails after some bytes.
type failingReader struct{ err error }

func (r failingReader) Read(p []byte) (int, error) { return copy(p, "data"), r.err }

var _ io.Reader = failingReader{}

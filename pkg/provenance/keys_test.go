package provenance_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"kubedist/pkg/hint"
	"kubedist/pkg/provenance"
)

// writeKey makes a secret key, and writes it with a mode.
func writeKey(t testing.TB, path string, mode os.FileMode) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, path, mode, key)
}

func writePEM(t testing.TB, path string, mode os.FileMode, key any) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestLoadEd25519Refuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	writeKey(t, filepath.Join(dir, "open"), 0o640)
	writeKey(t, filepath.Join(dir, "good"), 0o400)
	good, err := os.ReadFile(filepath.Join(dir, "good"))
	if err != nil {
		t.Fatal(err)
	}
	write("two", string(good)+string(good))
	write("empty", "")
	write("noise", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
	write("locked", strings.ReplaceAll(string(good), "PRIVATE", "ENCRYPTED PRIVATE"))
	write("large", strings.Repeat("x", 65<<10))
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(dir, "curve"), 0o600, curve)
	for name, want := range map[string]string{
		"open": "others may read it", "two": "several PEM blocks", "empty": "no PEM block", "noise": "not a PKCS #8 key", "locked": "a ENCRYPTED PRIVATE KEY",
		"large": "larger than", "curve": "not Ed25519", "missing": "no such file", ".": "not a regular file",
	} {
		if name == "open" && runtime.GOOS == "windows" {
			continue
		}
		_, err := provenance.LoadEd25519(filepath.Join(dir, name))
		if err == nil || !strings.Contains(err.Error(), want) || hint.Of(err) == "" {
			t.Errorf("%s: got %v, want %q in it and a hint", name, err, want)
		}
	}
	if _, err := provenance.LoadEd25519(filepath.Join(dir, "open")); runtime.GOOS != "windows" && hint.Of(err) != "chmod 600 "+filepath.Join(dir, "open") {
		t.Errorf("hint %q", hint.Of(err))
	}
	if _, err := provenance.LoadEd25519(filepath.Join(dir, "good")); err != nil {
		t.Error(err)
	}
	if _, err := provenance.ReadEd25519Public(filepath.Join(dir, "good")); err == nil || !strings.Contains(err.Error(), "a PRIVATE KEY where a PUBLIC KEY is wanted") {
		t.Errorf("got %v", err)
	}
}

// documented returns the commands that release-v1.md has below a marker.
func documented(t *testing.T, marker string) string {
	t.Helper()
	page, err := os.ReadFile("release-v1.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "<!-- "+marker+" -->\n\n")
	if !found {
		t.Fatalf("release-v1.md has no commands to %s", marker)
	}
	block, _, _ := strings.Cut(rest, "\n\n")
	return strings.ReplaceAll(block, "    ", "")
}

// TestByHand runs the commands that release-v1.md gives to strangers, with real gpg and openssl and keys of theirs.
func TestByHand(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"jq", "gpg", "gpgconf", "openssl", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	dir, tmp := t.TempDir(), t.TempDir()
	home, err := os.MkdirTemp("", "gnupg") // short, for the sockets in it
	if err != nil {
		t.Fatal(err)
	}
	shell := func(script string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", "set -e\n"+strings.ReplaceAll(script, "/tmp/", tmp+"/"))
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GNUPGHOME="+home, "LC_ALL=C")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		_ = os.RemoveAll(home)
	})
	must := func(script string) string {
		out, err := shell(script)
		if err != nil {
			t.Fatalf("%s\n%v: %s", script, err, out)
		}
		return out
	}
	must("umask 077; openssl genpkey -algorithm ed25519 -out key.pem; openssl pkey -in key.pem -pubout -out provenance.pub; : >a; : >'b c'")
	raw, err := provenance.LoadEd25519(filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if public, err := provenance.ReadEd25519Public(filepath.Join(dir, "provenance.pub")); err != nil || !public.Equal(raw.Public()) {
		t.Fatalf("public key %v, %v", public, err)
	}
	key := newKey(t)
	armored, err := key.Public().Armored()
	if err != nil {
		t.Fatal(err)
	}
	envelope := sign(t, payload(t, "a", "b c"), provenance.OpenPGP(key, at), raw)
	for name, data := range map[string][]byte{"provenance.intoto.jsonl": envelope, "archive.asc": armored} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	must(documented(t, "prepare"))
	if out := must(documented(t, "gpg")); !strings.Contains(out, "Good signature") {
		t.Errorf("gpg says %s", out)
	}
	if out := must(documented(t, "openssl")); !strings.Contains(out, "Signature Verified Successfully") {
		t.Errorf("openssl says %s", out)
	}
	must(documented(t, "files"))

	must("printf x >> /tmp/pae; printf x >> a")
	for _, marker := range []string{"gpg", "openssl", "files"} {
		if out, err := shell(documented(t, marker)); err == nil {
			t.Errorf("%s takes changed bytes: %s", marker, out)
		}
	}
}

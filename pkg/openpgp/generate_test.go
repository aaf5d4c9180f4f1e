package openpgp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

func TestGenerateEd25519(t *testing.T) {
	t.Parallel()
	key := newTestKey(t, 1, 365*24*time.Hour)
	c := key.Public()
	if got := c.Algorithm(); got != "ed25519" {
		t.Errorf("Algorithm() = %s", got)
	}
	if c.primary.Version != 4 || c.primary.PubKeyAlgo != packet.PubKeyAlgoEdDSA {
		t.Errorf("version %d, algorithm %d; gpg 2.2 wants 4 and 22", c.primary.Version, c.primary.PubKeyAlgo)
	}
	if len(c.subkeys) != 0 {
		t.Errorf("%d subkeys, want none", len(c.subkeys))
	}
	if got, want := c.Expires(), created.AddDate(1, 0, 0).Add(-24*time.Hour); !got.Equal(want) {
		t.Errorf("Expires() = %s, want %s", got, want)
	}
	if findings := Check(c, CheckOptions{Now: signed}); len(findings) != 0 {
		t.Errorf("a new key has findings: %v", findings)
	}
	if again := newTestKey(t, 1, 365*24*time.Hour); !bytes.Equal(again.Public().Binary(), c.Binary()) {
		t.Error("the same random numbers gave another key")
	}
	if other := newTestKey(t, 2, 365*24*time.Hour); other.Fingerprint() == c.Fingerprint() {
		t.Error("other random numbers gave the same key")
	}
}

func TestGenerateRSA4096(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("making an RSA key takes seconds")
	}
	key, err := Generate(t.Context(), GenerateOptions{Algorithm: RSA4096, Email: "test@example.org", Created: created})
	if err != nil {
		t.Fatal(err)
	}
	c := key.Public()
	if c.Algorithm() != "rsa4096" || !c.Expires().IsZero() || len(c.UserIDs()) != 1 || c.UserIDs()[0] != "<test@example.org>" {
		t.Errorf("got %s %s %q", c.Algorithm(), c.Expires(), c.UserIDs())
	}
	if findings := Check(c, CheckOptions{Now: signed}); len(findings) != 0 {
		t.Errorf("a new key has findings: %v", findings)
	}
}

func TestGenerateRefuses(t *testing.T) {
	t.Parallel()
	good := GenerateOptions{Name: "Test", Created: created}
	tests := []struct {
		name   string
		change func(*GenerateOptions)
		says   string
	}{
		{"no name", func(o *GenerateOptions) { o.Name = "" }, "empty"},
		{"angle brackets", func(o *GenerateOptions) { o.Name = "A <b>" }, "cannot hold"},
		{"line end", func(o *GenerateOptions) { o.Comment = "a\nb" }, "control characters"},
		{"not UTF-8", func(o *GenerateOptions) { o.Name = "\xff" }, "control characters"},
		{"blank at the end", func(o *GenerateOptions) { o.Name = "Test " }, "blanks"},
		{"no time", func(o *GenerateOptions) { o.Created = time.Time{} }, "1970"},
		{"negative lifetime", func(o *GenerateOptions) { o.Lifetime = -time.Hour }, "136 years"},
		{"lifetime below a second", func(o *GenerateOptions) { o.Lifetime = time.Millisecond }, "136 years"},
		{"lifetime too long", func(o *GenerateOptions) { o.Lifetime = 137 * 366 * 24 * time.Hour }, "136 years"},
		{"algorithm", func(o *GenerateOptions) { o.Algorithm = "dsa" }, `"dsa"`},
		{"random numbers", func(o *GenerateOptions) { o.Rand = failingReader{io.ErrNoProgress} }, io.ErrNoProgress.Error()},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := good
			test.change(&o)
			_, err := Generate(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error is %v, want one that says %q", err, test.says)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Generate(ctx, good); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context: %v", err)
	}
}

func TestSave(t *testing.T) {
	t.Parallel()
	for _, passphrase := range []string{"", "pâss phrase"} {
		t.Run(passphrase, func(t *testing.T) {
			t.Parallel()
			key := newTestKey(t, 3, 0)
			path := filepath.Join(t.TempDir(), "key.asc")
			if err := key.Save(t.Context(), path, SaveOptions{Passphrase: []byte(passphrase)}); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode() != 0o600 {
				t.Errorf("mode is %v, want 0600", info.Mode())
			}
			if key.Secret() != SecretOpen {
				t.Error("saving locked the key")
			}
			got, err := LoadFile(t.Context(), path, LoadOptions{At: signed, Passphrase: func(context.Context) ([]byte, error) {
				if passphrase == "" {
					t.Error("asked for a passphrase that there is not")
				}
				return []byte(passphrase), nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Public().Binary(), key.Public().Binary()) {
				t.Error("the key changed")
			}
			if passphrase != "" {
				_, err := LoadFile(t.Context(), path, LoadOptions{})
				wantError(t, err, ErrLocked)
			}
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			err = newTestKey(t, 4, 0).Save(t.Context(), path, SaveOptions{})
			wantError(t, err, fs.ErrExist)
			after, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(before, after) {
				t.Error("the file that was there changed")
			}
			entries, err := os.ReadDir(filepath.Dir(path))
			if err != nil {
				t.Fatal(err)
			}
			if len(entries) != 1 {
				t.Errorf("files left behind: %v", entries)
			}
		})
	}
	t.Run("public key", func(t *testing.T) {
		t.Parallel()
		keys, err := Parse(newTestKey(t, 3, 0).Public().Binary())
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "key.asc")
		if err := keys[0].Save(t.Context(), path, SaveOptions{}); !errors.Is(err, ErrNoSecret) {
			t.Errorf("error is %v, want ErrNoSecret", err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a file was made: %v", err)
		}
	})
	t.Run("no directory", func(t *testing.T) {
		t.Parallel()
		err := newTestKey(t, 3, 0).Save(t.Context(), filepath.Join(t.TempDir(), "none", "key.asc"), SaveOptions{})
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error is %v, want fs.ErrNotExist", err)
		}
	})
}

// gpg imports what Save writes, with the passphrase, and signs with it.
func TestGPGImportsSavedKey(t *testing.T) {
	t.Parallel()
	g := newGnupg(t)
	key := newTestKey(t, 5, 0)
	path := filepath.Join(t.TempDir(), "key.asc")
	if err := key.Save(t.Context(), path, SaveOptions{Passphrase: []byte("pâss phrase")}); err != nil {
		t.Fatal(err)
	}
	passphrase := g.file("passphrase", []byte("pâss phrase\n"))
	gpg := func(args ...string) string {
		return g.must("gpg", append([]string{"--batch", "--pinentry-mode", "loopback", "--passphrase-file", passphrase}, args...)...)
	}
	gpg("--import", path)
	if out := gpg("--list-secret-keys", "--with-colons"); !strings.Contains(out, "fpr:::::::::"+key.Fingerprint()+":") {
		t.Errorf("gpg does not list the secret key:\n%s", out)
	}
	signature := filepath.Join(t.TempDir(), "sig")
	gpg("--local-user", key.Fingerprint(), "--output", signature, "--detach-sign", g.file("data", []byte("data")))
	data, err := os.ReadFile(signature)
	if err != nil {
		t.Fatal(err)
	}
	signers, err := VerifyDetached(t.Context(), strings.NewReader("data"), data, []*Certificate{key.Public()}, time.Now().Add(time.Minute))
	if err != nil || len(signers) != 1 {
		t.Errorf("gpg's signature: %v, %v", signers, err)
	}
	exported := filepath.Join(t.TempDir(), "exported.asc")
	gpg("--armor", "--output", exported, "--export-secret-keys", key.Fingerprint())
	again, err := LoadFile(t.Context(), exported, LoadOptions{Passphrase: func(context.Context) ([]byte, error) { return []byte("pâss phrase"), nil }})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.Public().Binary(), key.Public().Binary()) {
		t.Error("the key changed on its way through gpg")
	}
}

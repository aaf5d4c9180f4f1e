package openpgp

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
)

// Signatures are the same bytes from run to run and from machine to machine: the golden files hold them.
func TestSignaturesAreTheSameBytes(t *testing.T) {
	t.Parallel()
	text := readTestdata(t, "release.txt")
	for _, name := range []string{"ed25519", "rsa4096"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var files [2][2][]byte
			for i := range files {
				key := loadTestKey(t, name+".asc") // anew, so that nothing is kept
				inrelease, err := key.Clearsign(t.Context(), text, signed)
				if err != nil {
					t.Fatal(err)
				}
				detached, err := key.Detached(t.Context(), bytes.NewReader(text), signed.Add(time.Millisecond))
				if err != nil {
					t.Fatal(err)
				}
				files[i] = [2][]byte{inrelease, detached}
			}
			if !bytes.Equal(files[0][0], files[1][0]) || !bytes.Equal(files[0][1], files[1][1]) {
				t.Error("two signatures of one text differ")
			}
			golden(t, name+".inrelease", files[0][0])
			golden(t, name+".release.gpg", files[0][1])
			later, err := loadTestKey(t, name+".asc").Clearsign(t.Context(), text, signed.Add(time.Second))
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Equal(later, files[0][0]) {
				t.Error("the time of signing is not part of the signature")
			}
		})
	}
}

func TestClearsignShape(t *testing.T) {
	t.Parallel()
	key := newTestKey(t, 1, 0)
	tests := []struct{ name, text, body, read string }{
		{"final line end", "A: b\n", "A: b\n", "A: b\n"},
		{"no final line end", "A: b", "A: b\n", "A: b\n"},
		{"empty line at the end", "A\n\n", "A\n\n", "A\n\n"},
		{"empty line first", "\nA\n", "\nA\n", "\nA\n"},
		{"dashes", "-\n- a\n-----BEGIN PGP SIGNATURE-----\n", "- -\n- - a\n- -----BEGIN PGP SIGNATURE-----\n", "-\n- a\n-----BEGIN PGP SIGNATURE-----\n"},
		{"UTF-8", "Überschrift: ü\n", "Überschrift: ü\n", "Überschrift: ü\n"},
		{"inner blanks", " a\tb\n", " a\tb\n", " a\tb\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			file, err := key.Clearsign(t.Context(), []byte(test.text), signed)
			if err != nil {
				t.Fatal(err)
			}
			body, ok := strings.CutPrefix(string(file), "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n")
			if !ok {
				t.Fatalf("it begins otherwise:\n%s", file)
			}
			body, signature, _ := strings.Cut(body, "-----BEGIN PGP SIGNATURE-----\n\n")
			if body != test.body {
				t.Errorf("body is %q, want %q", body, test.body)
			}
			if !strings.HasSuffix(signature, "\n-----END PGP SIGNATURE-----\n") || strings.Contains(signature, "\r") {
				t.Errorf("signature block is %q", signature)
			}
			text, signers, err := VerifyClearsigned(file, []*Certificate{key.Public()}, checked)
			if err != nil {
				t.Fatal(err)
			}
			if string(text) != test.read || len(signers) != 1 {
				t.Errorf("reads back as %q by %v, want %q", text, signers, test.read)
			}
			if block, rest := clearsign.Decode(file); block == nil || len(rest) != 0 || string(block.Plaintext)+"\n" != test.read {
				t.Errorf("another reader sees %v and %q", block, rest)
			}
		})
	}
}

func TestClearsignRefusesText(t *testing.T) {
	t.Parallel()
	key := newTestKey(t, 1, 0)
	tests := []struct{ name, text, says string }{
		{"empty", "", "empty"},
		{"line ends only", "\n\n", "empty"},
		{"blank at a line's end", "A: b\nC: \n", "line 2"},
		{"tab at the end", "A\t", "line 1"},
		{"carriage return", "A\r\nB\r\n", "line 1"},
		{"NUL", "A\x00B", "line 1"},
		{"long line", "A\n" + strings.Repeat("x", maxClearLine+1), "line 2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := key.Clearsign(t.Context(), []byte(test.text), signed)
			wantError(t, err, ErrMalformed)
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %q does not say %q", err, test.says)
			}
		})
	}
}

func TestSigningTime(t *testing.T) {
	t.Parallel()
	key := newTestKey(t, 1, 24*time.Hour)
	tests := []struct {
		name string
		at   time.Time
		want error
	}{
		{"before it was made", created.Add(-time.Second), ErrNotYetValid},
		{"as it was made", created, nil},
		{"its last second", created.Add(24*time.Hour - time.Second), nil},
		{"as it ends", created.Add(24 * time.Hour), ErrExpired},
		{"never", time.Time{}, ErrNotYetValid},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, detached := key.Detached(t.Context(), strings.NewReader("data"), test.at)
			_, clear := key.Clearsign(t.Context(), []byte("data"), test.at)
			for _, err := range []error{detached, clear} {
				if test.want != nil {
					wantError(t, err, test.want)
					if !strings.Contains(err.Error(), key.Fingerprint()) {
						t.Errorf("error %q does not name the key", err)
					}
				} else if err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestDetachedReportsReader(t *testing.T) {
	t.Parallel()
	key := newTestKey(t, 1, 0)
	if _, err := key.Detached(t.Context(), failingReader{io.ErrUnexpectedEOF}, signed); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the reader's error is lost: %v", err)
	}
}

// gpgv accepts what is signed here with a published keyring, in both forms that apt reads.
func TestGPGVAccepts(t *testing.T) {
	t.Parallel()
	g := newGnupg(t)
	text := readTestdata(t, "release.txt")
	for _, name := range []string{"ed25519.asc", "rsa4096.asc", "gpg-offline-primary.asc"} {
		key := loadTestKey(t, name)
		keyring := g.file("keyring.gpg", key.Public().Binary())
		inrelease, err := key.Clearsign(t.Context(), text, signed)
		if err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(t.TempDir(), "text")
		g.must("gpgv", "--keyring", keyring, "--output", out, g.file("InRelease", inrelease))
		got, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, text) {
			t.Errorf("gpgv reads %q, want %q", got, text)
		}
		detached, err := key.Detached(t.Context(), bytes.NewReader(text), signed)
		if err != nil {
			t.Fatal(err)
		}
		status := g.must("gpgv", "--status-fd", "1", "--keyring", keyring, g.file("Release.gpg", detached), g.file("Release", text))
		if !strings.Contains(status, "[GNUPG:] VALIDSIG ") || !strings.Contains(status, " "+key.Fingerprint()+"\n") {
			t.Errorf("gpgv says\n%s", status)
		}
		if out, err := g.run("gpgv", "--keyring", keyring, g.file("Release.gpg", detached), g.file("Release", append(text, 'x'))); err == nil {
			t.Errorf("gpgv takes changed text:\n%s", out)
		}
		armored, err := key.Public().Armored()
		if err != nil {
			t.Fatal(err)
		}
		g.must("gpg", "--batch", "--import", g.file("keyring.asc", armored))
		if out := g.must("gpg", "--batch", "--export", key.Fingerprint()); len(out) == 0 {
			t.Error("gpg exports nothing of the key that it imported")
		}
	}
}

// One key serves several workers at once; the race detector watches.
func TestSignerIsShared(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ed25519", "rsa4096"} {
		key, text := loadTestKey(t, name+".asc"), readTestdata(t, "release.txt")
		want := readTestdata(t, name+".release.gpg")
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				got, err := key.Detached(t.Context(), bytes.NewReader(text), signed)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s: another signature, or %v", name, err)
				}
				if _, err := VerifyDetached(t.Context(), bytes.NewReader(text), got, []*Certificate{key.Public()}, checked); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	}
}

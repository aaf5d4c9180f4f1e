package openpgp

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// An archive moves to a new key: with both signatures, users with either keyring are served, also once the old key has
// ended.
func TestTwoSigners(t *testing.T) {
	t.Parallel()
	old, next, third := newTestKey(t, 1, 45*24*time.Hour), loadTestKey(t, "rsa4096.asc"), newTestKey(t, 3, 0)
	text := readTestdata(t, "release.txt")
	inrelease, err := ClearsignAll(t.Context(), text, signed, old, next)
	if err != nil {
		t.Fatal(err)
	}
	detached, err := DetachedAll(t.Context(), bytes.NewReader(text), signed, old, next)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		keyring []*Certificate
		now     time.Time
		want    string
		err     error
	}{
		{"both", []*Certificate{old.Public(), next.Public()}, signed, old.Fingerprint() + " " + next.Fingerprint(), nil},
		{"old", []*Certificate{old.Public()}, signed, old.Fingerprint(), nil},
		{"new", []*Certificate{next.Public()}, signed, next.Fingerprint(), nil},
		{"both, old ended", []*Certificate{old.Public(), next.Public()}, checked, next.Fingerprint(), nil},
		{"old, ended", []*Certificate{old.Public()}, checked, "", ErrExpired},
		{"neither", []*Certificate{third.Public()}, signed, "", ErrUnknownSigner},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, clear, clearErr := VerifyClearsigned(inrelease, test.keyring, test.now)
			det, detErr := VerifyDetached(t.Context(), bytes.NewReader(text), detached, test.keyring, test.now)
			if test.err != nil {
				wantError(t, clearErr, test.err)
				wantError(t, detErr, test.err)
				return
			}
			if clearErr != nil || detErr != nil {
				t.Fatal(clearErr, detErr)
			}
			if got := strings.Join(clear, " "); got != test.want {
				t.Errorf("clearsigned by %s, want %s", got, test.want)
			}
			if got := strings.Join(det, " "); got != test.want {
				t.Errorf("detached by %s, want %s", got, test.want)
			}
		})
	}
	one, err := ClearsignAll(t.Context(), text, signed, next)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := next.Clearsign(t.Context(), text, signed)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one, alone) {
		t.Error("one signer of many makes another file than one alone")
	}
}

// gpgv takes a file with two signatures with the keyring of either signer.
func TestGPGVAcceptsTwoSigners(t *testing.T) {
	t.Parallel()
	g := newGnupg(t)
	first, second := loadTestKey(t, "ed25519.asc"), loadTestKey(t, "rsa4096.asc")
	inrelease, err := ClearsignAll(t.Context(), readTestdata(t, "release.txt"), signed, first, second)
	if err != nil {
		t.Fatal(err)
	}
	file := g.file("InRelease", inrelease)
	for _, key := range []*Key{first, second} {
		// With an unknown signer beside the known one gpgv fails, and apt goes by what it reports.
		out, _ := g.run("gpgv", "--status-fd", "1", "--keyring", g.file("keyring.gpg", key.Public().Binary()), file)
		if !strings.Contains(out, "[GNUPG:] VALIDSIG "+key.Fingerprint()) || strings.Contains(out, "BADSIG") {
			t.Errorf("gpgv with the keyring of %s says\n%s", key.Fingerprint(), out)
		}
	}
}

func TestSignersAreChecked(t *testing.T) {
	t.Parallel()
	key := newTestKey(t, 1, 0)
	if _, err := ClearsignAll(t.Context(), []byte("text"), signed); err == nil {
		t.Error("no signers make a signature")
	}
	if _, err := DetachedAll(t.Context(), strings.NewReader("data"), signed, key, key); err == nil {
		t.Error("one key signs twice")
	}
}

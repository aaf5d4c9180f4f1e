package openpgp

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// The keys in testdata were made by gpg; what it says about them is the reference.
func TestParseKeysOfGPG(t *testing.T) {
	t.Parallel()
	tests := []struct {
		file      string
		algorithm string
		secret    SecretState
		ids       []string
		expires   string
		revoked   bool
		usable    error // at signed
		load      error
	}{
		{file: "gpg-ed25519.asc", algorithm: "ed25519", secret: SecretOpen, ids: []string{"Test ed25519 <ed25519@example.org>"}},
		{file: "gpg-rsa2048.asc", algorithm: "rsa2048", secret: SecretOpen, ids: []string{"Test rsa2048 <rsa2048@example.org>"}},
		{file: "gpg-rsa1024.asc", algorithm: "rsa1024", secret: SecretOpen, ids: []string{"Test rsa1024 <rsa1024@example.org>"}, usable: ErrRefused, load: ErrRefused},
		{file: "gpg-dsa2048.asc", algorithm: "dsa2048", secret: SecretOpen, ids: []string{"Test dsa2048 <dsa2048@example.org>"}, usable: ErrRefused, load: ErrRefused},
		{file: "gpg-nistp256.asc", algorithm: "nistp256", secret: SecretOpen, ids: []string{"Test nistp256 <nistp256@example.org>"}, load: ErrCannotSign},
		{file: "gpg-brainpoolP256r1.asc", algorithm: "brainpoolP256r1", secret: SecretOpen, ids: []string{"Test brainpoolP256r1 <brainpoolP256r1@example.org>"}, usable: ErrRefused, load: ErrRefused},
		{file: "gpg-secp256k1.asc", algorithm: "secp256k1", secret: SecretOpen, ids: []string{"Test secp256k1 <secp256k1@example.org>"}, usable: ErrRefused, load: ErrRefused},
		{file: "gpg-expired.asc", algorithm: "ed25519", secret: SecretOpen, ids: []string{"Test expired <expired@example.org>"}, expires: "2024-01-31 00:00 UTC", usable: ErrExpired, load: ErrExpired},
		{file: "gpg-subkey.asc", algorithm: "ed25519", secret: SecretOpen, ids: []string{"Test subkey <subkey@example.org>"}},
		{file: "gpg-offline-primary.asc", algorithm: "ed25519", secret: SecretOpen, ids: []string{"Test subkey <subkey@example.org>"}},
		{file: "gpg-several.asc", algorithm: "rsa2048", secret: SecretOpen, ids: []string{"Test several <several@example.org>", "Zweiter Name <second@example.org>"}},
		{file: "gpg-several-public.asc", algorithm: "rsa2048", secret: SecretAbsent, ids: []string{"Test several <several@example.org>", "Zweiter Name <second@example.org>"}, load: ErrNoSecret},
		{file: "gpg-several-public.gpg", algorithm: "rsa2048", secret: SecretAbsent, ids: []string{"Test several <several@example.org>", "Zweiter Name <second@example.org>"}, load: ErrNoSecret},
		{file: "gpg-revoked.asc", algorithm: "ed25519", secret: SecretOpen, ids: []string{"Test revoked <revoked@example.org>"}, revoked: true, usable: ErrRevoked, load: ErrRevoked},
		{file: "gpg-locked.asc", algorithm: "ed25519", secret: SecretLocked, ids: []string{"Test locked <locked@example.org>"}, load: ErrLocked},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			t.Parallel()
			data := readTestdata(t, test.file)
			keys, err := Parse(data)
			if err != nil {
				t.Fatal(err)
			}
			if len(keys) != 1 {
				t.Fatalf("%d keys, want 1", len(keys))
			}
			c := keys[0].Public()
			if got := c.Algorithm(); got != test.algorithm {
				t.Errorf("Algorithm() = %s, want %s", got, test.algorithm)
			}
			if got := keys[0].Secret(); got != test.secret {
				t.Errorf("Secret() = %s, want %s", got, test.secret)
			}
			if got := c.UserIDs(); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", test.ids) {
				t.Errorf("UserIDs() = %q, want %q", got, test.ids)
			}
			if got := c.Created(); !got.Equal(created) {
				t.Errorf("Created() = %s, want %s", got, created)
			}
			if got := c.Expires(); got.IsZero() != (test.expires == "") || !got.IsZero() && day(got) != test.expires {
				t.Errorf("Expires() = %s, want %q", day(got), test.expires)
			}
			if got := c.Revoked(); got != test.revoked {
				t.Errorf("Revoked() = %t", got)
			}
			if err := c.UsableAt(signed); !errors.Is(err, test.usable) {
				t.Errorf("UsableAt: %v, want %v", err, test.usable)
			}
			_, err = Load(t.Context(), data, LoadOptions{At: signed})
			if test.load != nil {
				wantError(t, err, test.load)
			} else if err != nil {
				t.Errorf("Load: %v", err)
			}
		})
	}
}

// A public key is the same bytes whether gpg exported it, armored or not, or its secret key.
func TestPublicPartIsTheSame(t *testing.T) {
	t.Parallel()
	want := testCertificate(t, "gpg-several.asc").Binary()
	for _, name := range []string{"gpg-several-public.asc", "gpg-several-public.gpg"} {
		if got := testCertificate(t, name).Binary(); !bytes.Equal(got, want) {
			t.Errorf("the certificate in %s differs from the secret key's", name)
		}
	}
	again, err := Parse(want)
	if err != nil {
		t.Fatal(err)
	}
	if again[0].Secret() != SecretAbsent {
		t.Error("the public part holds a secret")
	}
	if got := again[0].Public().Binary(); !bytes.Equal(got, want) {
		t.Error("the certificate does not read back as itself")
	}
}

func TestLoadPassphrase(t *testing.T) {
	t.Parallel()
	data := readTestdata(t, "gpg-locked.asc")
	with := func(passphrase string, err error) LoadOptions {
		return LoadOptions{Passphrase: func(context.Context) ([]byte, error) { return []byte(passphrase), err }}
	}
	key, err := Load(t.Context(), data, with("correct horse", nil))
	if err != nil {
		t.Fatal(err)
	}
	if key.Secret() != SecretOpen {
		t.Errorf("Secret() = %s after Load", key.Secret())
	}
	_, err = Load(t.Context(), data, LoadOptions{})
	wantError(t, err, ErrLocked)
	_, err = Load(t.Context(), data, with("", nil))
	wantError(t, err, ErrLocked)
	_, err = Load(t.Context(), data, with("battery staple", nil))
	wantError(t, err, ErrWrongPassphrase)
	if strings.Contains(err.Error(), "battery") {
		t.Errorf("the passphrase is part of the error %q", err)
	}
	_, err = Load(t.Context(), data, with("", context.Canceled))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the callback's error is lost: %v", err)
	}
	locked, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	_, err = locked[0].Detached(t.Context(), strings.NewReader("data"), signed)
	wantError(t, err, ErrLocked)
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	ed25519, rsa2048 := readTestdata(t, "gpg-ed25519.asc"), readTestdata(t, "gpg-rsa2048.asc")
	public, err := testCertificate(t, "gpg-rsa2048.asc").Armored()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		data []byte
		want error
		says string
	}{
		{"empty", nil, ErrNotKey, "empty"},
		{"text", []byte("hello\n"), ErrNotKey, "no OpenPGP key"},
		{"signature", readTestdata(t, "gpg-two.inrelease"), ErrNotKey, "PGP SIGNED MESSAGE"},
		{"binary signature", readTestdata(t, "gpg-subkey.sig"), ErrNotKey, "type 2"},
		{"truncated armor", ed25519[:len(ed25519)/2], ErrNotKey, "without an end"},
		{"damaged armor", bytes.Replace(ed25519, []byte("l"), []byte("I"), 3), ErrNotKey, "checksum"},
		{"keybox", append([]byte("\x00\x00\x00\x20\x01\x01\x00\x02KBXf"), make([]byte, 20)...), ErrNotKey, "keybox"},
		{"too long", make([]byte, maxKeyFile+1), ErrNotKey, "more than"},
		{"two secret keys", append(bytes.Clone(ed25519), rsa2048...), ErrSeveralKeys, "rsa2048@example.org"},
		{"public key", public, ErrNoSecret, "rsa2048@example.org"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := Load(t.Context(), test.data, LoadOptions{})
			wantError(t, err, test.want)
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %q does not say %q", err, test.says)
			}
		})
	}
	t.Run("public key beside the secret one", func(t *testing.T) {
		t.Parallel()
		text := fmt.Appendf(nil, "Our old key:\n%s\nand the new one:\n%s", public, ed25519)
		key, err := Load(t.Context(), text, LoadOptions{At: signed})
		if err != nil {
			t.Fatal(err)
		}
		if got := key.Public().Algorithm(); got != "ed25519" {
			t.Errorf("loaded the %s key", got)
		}
	})
	t.Run("missing file", func(t *testing.T) {
		t.Parallel()
		_, err := LoadFile(t.Context(), filepath.Join(t.TempDir(), "none.asc"), LoadOptions{})
		wantError(t, err, os.ErrNotExist)
	})
	t.Run("file is named", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join("testdata", "release.txt")
		_, err := LoadFile(t.Context(), path, LoadOptions{})
		wantError(t, err, ErrNotKey)
		if !strings.Contains(err.Error(), path) {
			t.Errorf("error %q does not name the file", err)
		}
	})
}

// Where the primary key's secret is kept elsewhere, and where it may not sign, the subkey does.
func TestSubkeySigns(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"gpg-subkey.asc", "gpg-offline-primary.asc"} {
		key := loadTestKey(t, name)
		sig, err := key.Detached(t.Context(), strings.NewReader("data"), signed)
		if err != nil {
			t.Fatal(err)
		}
		signers, err := VerifyDetached(t.Context(), strings.NewReader("data"), sig, []*Certificate{key.Public()}, checked)
		if err != nil {
			t.Fatal(err)
		}
		if len(signers) != 1 || signers[0] != key.Fingerprint() {
			t.Errorf("%s: signers are %v, want the primary key %s", name, signers, key.Fingerprint())
		}
	}
}

// A key whose self-signature is over SHA-1 is one that gpg takes and sqv does not.
func TestSHA1SelfSignature(t *testing.T) {
	t.Parallel()
	c := sha1Certificate(t)
	wantError(t, c.UsableAt(signed), ErrRefused)
	if c.Expires().IsZero() || len(c.UserIDs()) != 1 {
		t.Error("its properties are not shown")
	}
}

// sha1Certificate returns a key bound by SHA-1 alone, which ends.
func sha1Certificate(t testing.TB) *Certificate {
	t.Helper()
	key := newTestKey(t, 7, 0)
	seconds := uint32(400 * 24 * 3600)
	sig := newSignature(key.cert.primary, packet.SigTypePositiveCert, created)
	sig.Hash = crypto.SHA1
	sig.FlagsValid, sig.FlagSign, sig.FlagCertify, sig.KeyLifetimeSecs = true, true, true, &seconds
	if err := sig.SignUserId("Old <old@example.org>", key.cert.primary, key.secrets[0], signConfig()); err != nil {
		t.Fatal(err)
	}
	raw, err := onlyPacket(sig.Serialize)
	if err != nil {
		t.Fatal(err)
	}
	data := key.cert.packets[0].appendTo(nil)
	data = rawPacket{tagUserID, []byte("Old <old@example.org>")}.appendTo(data)
	certs, err := ParseKeyring(raw.appendTo(data))
	if err != nil {
		t.Fatal(err)
	}
	return certs[0]
}

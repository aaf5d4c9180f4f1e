package openpgp

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// What gpg signed verifies.
func TestVerifyGPG(t *testing.T) {
	t.Parallel()
	rsa, ed := testCertificate(t, "gpg-rsa2048.asc"), testCertificate(t, "gpg-ed25519.asc")
	subkey, other := testCertificate(t, "gpg-subkey.asc"), testCertificate(t, "gpg-several.asc")
	tests := []struct {
		name    string
		keyring []*Certificate
		want    []*Certificate
	}{
		{"both keys known", []*Certificate{ed, other, rsa}, []*Certificate{rsa, ed}},
		{"only the first", []*Certificate{rsa}, []*Certificate{rsa}},
		{"only the second", []*Certificate{ed}, []*Certificate{ed}},
	}
	file, want := readTestdata(t, "gpg-two.inrelease"), readTestdata(t, "release.txt")
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text, signers, err := VerifyClearsigned(file, test.keyring, checked)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(text, want) {
				t.Errorf("text is %q", text)
			}
			var prints []string
			for _, c := range test.want {
				prints = append(prints, c.Fingerprint())
			}
			if strings.Join(signers, " ") != strings.Join(prints, " ") {
				t.Errorf("signers are %v, want %v", signers, prints)
			}
		})
	}
	t.Run("binary signature by a subkey", func(t *testing.T) {
		t.Parallel()
		signers, err := VerifyDetached(t.Context(), bytes.NewReader(want), readTestdata(t, "gpg-subkey.sig"), []*Certificate{subkey}, checked)
		if err != nil || len(signers) != 1 || signers[0] != subkey.Fingerprint() {
			t.Errorf("got %v, %v", signers, err)
		}
	})
	t.Run("no key known", func(t *testing.T) {
		t.Parallel()
		_, _, err := VerifyClearsigned(file, []*Certificate{other, subkey}, checked)
		wantError(t, err, ErrUnknownSigner)
		if !strings.Contains(err.Error(), rsa.Fingerprint()) || !strings.Contains(err.Error(), ed.Fingerprint()) {
			t.Errorf("error %q does not name the signers", err)
		}
		if _, _, err := VerifyClearsigned(file, nil, checked); !errors.Is(err, ErrUnknownSigner) {
			t.Errorf("with an empty keyring: %v", err)
		}
	})
}

func TestVerifyClearsignedRefuses(t *testing.T) {
	t.Parallel()
	key := newTestKey(t, 1, 0)
	good, err := key.Clearsign(t.Context(), []byte("Suite: stable\nDate: now\n"), signed)
	if err != nil {
		t.Fatal(err)
	}
	replace := func(old, new string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("no %q in it", old)
		}
		return bytes.Replace(good, []byte(old), []byte(new), 1)
	}
	signature := good[bytes.Index(good, []byte("-----BEGIN PGP SIGNATURE")):]
	tests := []struct {
		name string
		data []byte
		want error
		says string
	}{
		{"empty", nil, ErrMalformed, "begin"},
		{"not signed", []byte("Suite: stable\n"), ErrMalformed, "begin"},
		{"line before", append([]byte("\n"), good...), ErrMalformed, "begin"},
		{"line after", append(bytes.Clone(good), '\n'), ErrMalformed, "after"},
		{"text after", append(bytes.Clone(good), "Suite: evil\n"...), ErrMalformed, "after"},
		{"twice", append(bytes.Clone(good), good...), ErrMalformed, "after"},
		{"second signature block", append(bytes.Clone(good), signature...), ErrMalformed, "after"},
		{"no signature", good[:len(good)-len(signature)], ErrMalformed, "no signature"},
		{"cut short", good[:len(good)-30], ErrMalformed, "end"},
		{"other header", replace("Hash: SHA512", "Comment: x"), ErrMalformed, "header"},
		{"no blank line", replace("Hash: SHA512\n\n", "Hash: SHA512\n"), ErrMalformed, "header"},
		{"digest not in the header", replace("Hash: SHA512", "Hash: SHA256"), ErrBadSignature, "Hash"},
		{"dash not escaped", replace("Suite", "-Suite"), ErrMalformed, "dash"},
		{"blank at a line's end", replace("stable\n", "stable \n"), ErrMalformed, "line 1"},
		{"carriage returns", replace("stable\n", "stable\r\n"), ErrMalformed, "line 1"},
		{"changed", replace("stable", "unstable"), ErrBadSignature, "does not fit"},
		{"line added", replace("Suite", "Evil: yes\nSuite"), ErrBadSignature, "does not fit"},
		{"empty line added", replace("Date", "\nDate"), ErrBadSignature, "does not fit"},
		{"text in the signature block", replace("\n=", "\n=AAAA\nEvil: yes\n="), ErrMalformed, "checksum"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text, signers, err := VerifyClearsigned(test.data, []*Certificate{key.Public()}, checked)
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error is %v, want one that wraps %q and says %q", err, test.want, test.says)
			}
			if text != nil || signers != nil {
				t.Errorf("got %q by %v beside the error", text, signers)
			}
		})
	}
	// The last line's end is not part of the block.
	if _, _, err := VerifyClearsigned(bytes.TrimSuffix(good, []byte("\n")), []*Certificate{key.Public()}, checked); err != nil {
		t.Errorf("without a line end at the end: %v", err)
	}
}

func TestVerifyTimes(t *testing.T) {
	t.Parallel()
	key := newTestKey(t, 1, 60*24*time.Hour)
	sig, err := key.Detached(t.Context(), strings.NewReader("data"), signed)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		now  time.Time
		want error
	}{
		{"at once", signed, nil},
		{"later", signed.AddDate(0, 0, 7), nil},
		{"from the future", signed.Add(-time.Second), ErrBadSignature},
		{"key expired since", created.AddDate(0, 0, 60), ErrExpired},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := VerifyDetached(t.Context(), strings.NewReader("data"), sig, []*Certificate{key.Public()}, test.now)
			if !errors.Is(err, test.want) {
				t.Errorf("error is %v, want %v", err, test.want)
			}
		})
	}
}

// Signatures that are right, by keys or in ways that apt does not take.
func TestVerifyRefusesWeak(t *testing.T) {
	t.Parallel()
	raw := func(name string, hash crypto.Hash, kind packet.SignatureType, at time.Time) ([]byte, *Certificate) {
		keys, err := Parse(readTestdata(t, name))
		if err != nil {
			t.Fatal(err)
		}
		secret := keys[0].secrets[0]
		sig := newSignature(&secret.PublicKey, kind, at)
		sig.Hash = hash
		h := hash.New()
		h.Write([]byte("data"))
		config := signConfig()
		config.Rand = nil
		if err := sig.Sign(h, secret, config); err != nil {
			t.Fatal(err)
		}
		p, err := onlyPacket(sig.Serialize)
		if err != nil {
			t.Fatal(err)
		}
		return p.appendTo(nil), keys[0].Public()
	}
	tests := []struct {
		name, file string
		hash       crypto.Hash
		kind       packet.SignatureType
		at         time.Time
		want       error
	}{
		{"nistp256", "gpg-nistp256.asc", crypto.SHA256, packet.SigTypeBinary, signed, nil},
		{"rsa1024", "gpg-rsa1024.asc", crypto.SHA256, packet.SigTypeBinary, signed, ErrRefused},
		{"dsa", "gpg-dsa2048.asc", crypto.SHA256, packet.SigTypeBinary, signed, ErrRefused},
		{"brainpool", "gpg-brainpoolP256r1.asc", crypto.SHA256, packet.SigTypeBinary, signed, ErrRefused},
		{"revoked", "gpg-revoked.asc", crypto.SHA256, packet.SigTypeBinary, signed, ErrRevoked},
		{"SHA-1", "gpg-rsa2048.asc", crypto.SHA1, packet.SigTypeBinary, signed, ErrMalformed},
		{"text signature", "gpg-rsa2048.asc", crypto.SHA256, packet.SigTypeText, signed, ErrBadSignature},
		{"older than its key", "gpg-rsa2048.asc", crypto.SHA256, packet.SigTypeBinary, created.Add(-time.Hour), ErrNotYetValid},
		{"key not for signing", "gpg-subkey.asc", crypto.SHA256, packet.SigTypeBinary, signed, ErrBadSignature},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sig, cert := raw(test.file, test.hash, test.kind, test.at)
			_, err := VerifyDetached(t.Context(), strings.NewReader("data"), sig, []*Certificate{cert}, checked)
			if !errors.Is(err, test.want) {
				t.Errorf("error is %v, want %v", err, test.want)
			}
		})
	}
}

func TestVerifyDetachedRefuses(t *testing.T) {
	t.Parallel()
	key := newTestKey(t, 1, 0)
	sig, err := key.Detached(t.Context(), strings.NewReader("data"), signed)
	if err != nil {
		t.Fatal(err)
	}
	certificate := key.Public().Binary()
	tests := []struct {
		name string
		sig  []byte
		want error
	}{
		{"empty", nil, ErrMalformed},
		{"text before", append([]byte("hello\n"), sig...), ErrMalformed},
		{"text after", append(bytes.Clone(sig), "hello\n"...), ErrMalformed},
		{"certificate", certificate, ErrMalformed},
		{"too long", bytes.Repeat([]byte{0x88}, maxSignature+1), ErrMalformed},
		{"version 3", []byte{0x88, 1, 3}, ErrMalformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := VerifyDetached(t.Context(), strings.NewReader("data"), test.sig, []*Certificate{key.Public()}, checked)
			if !errors.Is(err, test.want) {
				t.Errorf("error is %v, want %v", err, test.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := VerifyDetached(ctx, strings.NewReader("data"), sig, nil, checked); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context: %v", err)
	}
}

package openpgp

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
)

// Whatever is in a key file, reading and judging it ends, and what it yields reads back as itself.
func FuzzParse(f *testing.F) {
	for _, name := range []string{
		"gpg-ed25519.asc", "gpg-rsa1024.asc", "gpg-nistp256.asc", "gpg-several.asc", "gpg-offline-primary.asc", "gpg-locked.asc",
		"gpg-revoked.asc", "gpg-several-public.gpg", "gpg-subkey.sig", "keyring.asc",
	} {
		f.Add(readTestdata(f, name))
		if keys, err := Parse(readTestdata(f, name)); err == nil {
			f.Add(keys[0].Public().Binary())
			if secret, err := keys[0].marshalSecret(SaveOptions{}); err == nil {
				if raw, err := decodeKeyArmor(secret); err == nil {
					f.Add(raw)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := Parse(data)
		if err != nil {
			return
		}
		for _, key := range keys {
			c := key.Public()
			_ = Check(c, CheckOptions{Now: signed, Until: checked})
			_, _, _, _ = c.Algorithm(), c.String(), c.Expires(), key.Secret()
			again, err := ParseKeyring(c.Binary())
			if err != nil {
				t.Fatalf("the public part does not read back: %v", err)
			}
			if len(again) != 1 || !bytes.Equal(again[0].Binary(), c.Binary()) || again[0].Fingerprint() != c.Fingerprint() {
				t.Fatal("the public part reads back as another")
			}
		}
		key, err := Load(t.Context(), data, LoadOptions{At: signed, Passphrase: func(context.Context) ([]byte, error) { return nil, nil }})
		if err != nil {
			return
		}
		sig, err := key.Detached(t.Context(), strings.NewReader("data"), signed)
		if err != nil {
			return
		}
		if _, err := VerifyDetached(t.Context(), strings.NewReader("data"), sig, []*Certificate{key.Public()}, signed); err != nil {
			t.Fatalf("a signature made does not verify: %v", err)
		}
	})
}

// What passes as a clearsigned file is one for a more lenient reader too, with the same text.
func FuzzVerifyClearsigned(f *testing.F) {
	keyring := []*Certificate{
		testCertificate(f, "gpg-rsa2048.asc"), testCertificate(f, "gpg-ed25519.asc"), testCertificate(f, "ed25519.asc"),
	}
	for _, name := range []string{"gpg-two.inrelease", "ed25519.inrelease", "rsa4096.inrelease"} {
		f.Add(readTestdata(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := decodeClearsigned(data)
		if err != nil {
			return
		}
		block, _ := clearsign.Decode(data)
		if block != nil && !bytes.Equal(block.Plaintext, c.text) {
			t.Fatalf("text is %q, another reader sees %q", c.text, block.Plaintext)
		}
		text, signers, err := VerifyClearsigned(data, keyring, checked)
		if err != nil {
			return
		}
		if len(signers) == 0 || !bytes.Equal(text, append(c.text, '\n')) {
			t.Fatalf("%q by %v", text, signers)
		}
		if !bytes.Equal(text, readTestdata(t, "release.txt")) {
			t.Fatalf("nobody signed %q", text)
		}
	})
}

// No bytes pass for a signature of a key on data that it did not sign.
func FuzzVerifyDetached(f *testing.F) {
	keyring := []*Certificate{testCertificate(f, "gpg-subkey.asc"), testCertificate(f, "ed25519.asc")}
	for _, name := range []string{"gpg-subkey.sig", "ed25519.release.gpg", "rsa4096.release.gpg"} {
		f.Add(readTestdata(f, name))
	}
	f.Fuzz(func(t *testing.T, sig []byte) {
		if signers, err := VerifyDetached(t.Context(), strings.NewReader("other data"), sig, keyring, checked); err == nil {
			t.Fatalf("accepted as signed by %v", signers)
		}
	})
}

// What passes as a keyring is public and reads back as itself, in both forms.
func FuzzParseKeyring(f *testing.F) {
	for _, name := range []string{"keyring.asc", "gpg-several-public.gpg", "gpg-ed25519.asc"} {
		f.Add(readTestdata(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		certs, err := ParseKeyring(data)
		if err != nil {
			return
		}
		for _, format := range []KeyringFormat{BinaryKeyring, ArmoredKeyring} {
			written, err := MarshalKeyring(format, certs...)
			if err != nil {
				return // a certificate that is there twice
			}
			again, err := ParseKeyring(written)
			if err != nil || len(again) != len(certs) {
				t.Fatalf("%d certificates read back as %d, %v", len(certs), len(again), err)
			}
			for i := range certs {
				if again[i].Fingerprint() != certs[i].Fingerprint() || !bytes.Equal(again[i].Binary(), certs[i].Binary()) {
					t.Fatalf("certificate %d reads back as another", i)
				}
			}
		}
	})
}

package openpgp

import (
	"bytes"
	"strings"
	"testing"
)

func TestKeyring(t *testing.T) {
	t.Parallel()
	certs := []*Certificate{testCertificate(t, "rsa4096.asc"), testCertificate(t, "ed25519.asc"), testCertificate(t, "gpg-several.asc")}
	SortByFingerprint(certs)
	for i := range certs[1:] {
		if certs[i].Fingerprint() >= certs[i+1].Fingerprint() {
			t.Error("not sorted")
		}
	}
	binary, err := MarshalKeyring(BinaryKeyring, certs...)
	if err != nil {
		t.Fatal(err)
	}
	armored, err := MarshalKeyring(ArmoredKeyring, certs...)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "keyring.asc", armored)
	if bytes.Contains(armored, []byte("\r")) || !bytes.HasSuffix(armored, []byte("-----END PGP PUBLIC KEY BLOCK-----\n")) {
		t.Error("the armored keyring has other line ends")
	}
	for name, data := range map[string][]byte{"binary": binary, "armored": armored} {
		got, err := ParseKeyring(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(got) != len(certs) {
			t.Fatalf("%s: %d certificates, want %d", name, len(got), len(certs))
		}
		for i := range got {
			if !bytes.Equal(got[i].Binary(), certs[i].Binary()) {
				t.Errorf("%s: certificate %d changed", name, i)
			}
		}
	}
	if _, err := MarshalKeyring(BinaryKeyring, certs[0], certs[0]); err == nil {
		t.Error("a certificate is there twice")
	}
	if _, err := MarshalKeyring(BinaryKeyring); err == nil {
		t.Error("a keyring without certificates")
	}
	_, err = ParseKeyring(readTestdata(t, "ed25519.asc"))
	wantError(t, err, ErrNotKey)
	if !strings.Contains(err.Error(), "secret") {
		t.Errorf("error %q does not say what is wrong", err)
	}
}

// gpgv reads both keyrings that users get, the armored one after gpg took its armor off, as apt does.
func TestGPGReadsKeyring(t *testing.T) {
	t.Parallel()
	g := newGnupg(t)
	first, second := loadTestKey(t, "ed25519.asc"), loadTestKey(t, "rsa4096.asc")
	for format, name := range map[KeyringFormat]string{BinaryKeyring: "k.gpg", ArmoredKeyring: "k.asc"} {
		data, err := MarshalKeyring(format, first.Public(), second.Public())
		if err != nil {
			t.Fatal(err)
		}
		out := g.must("gpg", "--batch", "--show-keys", "--with-colons", g.file(name, data))
		for _, key := range []*Key{first, second} {
			if !strings.Contains(out, key.Fingerprint()) {
				t.Errorf("%s: gpg does not see %s:\n%s", name, key.Fingerprint(), out)
			}
		}
	}
}

package openpgp

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

// What SigningKeys lists first is what a key with all its secrets signs with.
func TestSigningKeys(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		file    string
		primary bool // signs; else a subkey does
		err     error
	}{
		{"gpg-ed25519.asc", true, nil},
		{"gpg-subkey.asc", false, nil},
		{"gpg-offline-primary.asc", false, nil},
		{"gpg-nistp256.asc", false, ErrCannotSign},
		{"gpg-rsa1024.asc", false, ErrRefused},
		{"gpg-revoked.asc", false, ErrRevoked},
		{"gpg-expired.asc", false, ErrExpired},
	} {
		t.Run(test.file, func(t *testing.T) {
			t.Parallel()
			c := testCertificate(t, test.file)
			keys, err := c.SigningKeys(signed)
			if test.err != nil {
				wantError(t, err, test.err)
				return
			}
			if err != nil || len(keys) != 1 || (keys[0] == c.Fingerprint()) != test.primary {
				t.Errorf("SigningKeys gives %v, %v; the primary key is %s", keys, err, c.Fingerprint())
			}
		})
	}
	// Where both sign, the primary key comes first.
	both := testCertificate(t, "gpg-subkey.asc")
	for i := range both.userIDs {
		for j := range both.userIDs[i].sigs {
			both.userIDs[i].sigs[j].FlagSign = true
		}
	}
	if keys, err := both.SigningKeys(signed); err != nil || len(keys) != 2 || keys[0] != both.Fingerprint() {
		t.Errorf("of two keys: %v, %v; the primary key is %s", keys, err, both.Fingerprint())
	}
	if _, err := testCertificate(t, "gpg-ed25519.asc").SigningKeys(created.Add(-time.Hour)); !errors.Is(err, ErrNotYetValid) {
		t.Errorf("before it was made: %v", err)
	}
}

func TestDetachedVerifier(t *testing.T) {
	t.Parallel()
	key, other := newTestKey(t, 1, 0), newTestKey(t, 2, 0)
	signature, err := key.Detached(t.Context(), bytes.NewReader([]byte("some data")), signed)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		data    string
		keyring *Certificate
		now     time.Time
		err     error
	}{
		{"the data", "some data", key.Public(), signed, nil},
		{"other data", "some date", key.Public(), signed, ErrBadSignature},
		{"another key", "some data", other.Public(), signed, ErrUnknownSigner},
		{"too early", "some data", key.Public(), signed.Add(-time.Second), ErrBadSignature},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := NewDetachedVerifier()
			for _, b := range []byte(test.data) { // in pieces
				_, _ = v.Write([]byte{b})
			}
			signers, err := v.Verify(signature, []*Certificate{test.keyring}, test.now)
			if !errors.Is(err, test.err) || err == nil && (len(signers) != 1 || signers[0] != key.Fingerprint()) {
				t.Errorf("signers %v, %v; want %v", signers, err, test.err)
			}
		})
	}
	if _, err := NewDetachedVerifier().Verify(readTestdata(t, "gpg-ed25519.asc"), nil, signed); !errors.Is(err, ErrMalformed) {
		t.Errorf("a key for a signature: %v", err)
	}
}

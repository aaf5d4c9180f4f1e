package openpgp

import (
	"crypto"
	"crypto/sha512"
	"fmt"
	"time"
)

// A DetachedVerifier checks a detached signature on data that passes by before its signature is there: on the way to a
// program that signs it, for one. It takes signatures over SHA-512, which is what signers here make. It is not safe for
// concurrent use.
type DetachedVerifier struct{ digests digests }

// NewDetachedVerifier returns a verifier that has seen no data yet.
func NewDetachedVerifier() *DetachedVerifier {
	return &DetachedVerifier{digests{crypto.SHA512: sha512.New()}}
}

// Write takes in data. It never fails.
func (v *DetachedVerifier) Write(p []byte) (int, error) { return v.digests.Write(p) }

// Verify checks a detached signature, armored or binary, on all data so far, as [VerifyDetached] does.
func (v *DetachedVerifier) Verify(signature []byte, keyring []*Certificate, now time.Time) (signers []string, err error) {
	sigs, err := parseDetached(signature)
	if err != nil {
		return nil, fmt.Errorf("detached signature: %w", err)
	}
	for _, sig := range sigs {
		if v.digests[sig.Hash] == nil {
			return nil, fmt.Errorf("detached signature: %w: over %s, not SHA-512", ErrBadSignature, sig.Hash)
		}
	}
	if signers, err = verifyAll(sigs, v.digests, keyring, now); err != nil {
		return nil, fmt.Errorf("detached signature: %w", err)
	}
	return signers, nil
}

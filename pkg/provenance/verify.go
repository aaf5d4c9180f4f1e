package provenance

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"time"

	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
)

// VerifyOptions say whose signatures count.
type VerifyOptions struct {
	Keyring []*openpgp.Certificate
	Ed25519 []ed25519.PublicKey // every one of these must have signed
	Now     time.Time           // at which OpenPGP keys must be valid
}

// ErrUnknownSigner is an envelope that none of the keys given signed.
var ErrUnknownSigner = errors.New("not signed by a known key")

// ErrBadSignature is a signature by one of the keys, or one that should be there, that does not fit what it signs.
var ErrBadSignature = errors.New("bad signature")

// Verify checks an envelope, as [Sign] makes it or any DSSE signer, and returns the statement in it and the ids of the
// keys that signed. Every OpenPGP signature by a key of the keyring has to be good, and at least one signature has to be
// there that counts. Those by other keys are passed over; when there are only such, the error wraps ErrUnknownSigner. One
// that does not fit gives ErrBadSignature or what [openpgp.VerifyDetached] says of it.
func Verify(ctx context.Context, data []byte, o VerifyOptions) (*Statement, []string, error) {
	e, err := open(data)
	if err != nil {
		return nil, nil, fmt.Errorf("envelope: %w", err)
	}
	signers, err := e.signers(ctx, o)
	if err != nil {
		return nil, nil, fmt.Errorf("envelope: %w", err)
	}
	s, err := parseStatement(e.payload)
	if err != nil {
		return nil, nil, err
	}
	return s, signers, nil
}

// signers returns the keys that signed, those of OpenPGP first.
func (e *opened) signers(ctx context.Context, o VerifyOptions) ([]string, error) {
	pae := PAE(PayloadType, e.payload)
	var signers []string
	for i, raw := range e.signatures {
		if len(raw) == ed25519.SignatureSize {
			continue
		}
		found, err := openpgp.VerifyDetached(ctx, bytes.NewReader(pae), raw, o.Keyring, o.Now)
		switch {
		case errors.Is(err, openpgp.ErrUnknownSigner), errors.Is(err, openpgp.ErrMalformed): // of another key, or another kind
		case err != nil:
			return nil, fmt.Errorf("signature %d: %w", i+1, err)
		}
		for _, f := range found {
			if !slices.Contains(signers, f) {
				signers = append(signers, f)
			}
		}
	}
	for _, key := range o.Ed25519 {
		if !slices.ContainsFunc(e.signatures, func(raw []byte) bool { return ed25519.Verify(key, pae, raw) }) {
			return nil, fmt.Errorf("%w: none that fits by key %s", ErrBadSignature, Ed25519KeyID(key))
		}
		signers = append(signers, Ed25519KeyID(key))
	}
	if len(signers) == 0 {
		return nil, hint.Errorf("give the keys that sign the release with --keyring or --provenance-key", "%w", ErrUnknownSigner)
	}
	return signers, nil
}

package openpgp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// ClearsignAll makes one clearsigned file with the signatures of all signers, in their order: a reader that knows any
// of the keys accepts it, which is how an archive moves to a new key.
func ClearsignAll(ctx context.Context, text []byte, at time.Time, signers ...Signer) ([]byte, error) {
	if err := checkSigners(signers); err != nil {
		return nil, err
	}
	var joined clearsigned
	for i, s := range signers {
		file, err := s.Clearsign(ctx, text, at)
		if err != nil {
			return nil, err
		}
		one, err := decodeClearsigned(file)
		if err != nil {
			return nil, fmt.Errorf("signature of key %s: %w: %w", s.Fingerprint(), ErrMalformed, err)
		}
		if i > 0 && !bytes.Equal(one.text, joined.text) {
			return nil, fmt.Errorf("signature of key %s: %w: it is on another text", s.Fingerprint(), ErrMalformed)
		}
		joined.text = one.text
		joined.signatures = append(joined.signatures, one.signatures...)
		for _, d := range one.digests {
			if !slices.Contains(joined.digests, d) {
				joined.digests = append(joined.digests, d)
			}
		}
	}
	return encodeClearsigned(joined.text, joined.digests, joined.signatures)
}

// DetachedAll makes one armored detached signature file with the signatures of all signers, in their order. It reads
// data from its start once for each.
func DetachedAll(ctx context.Context, data io.ReadSeeker, at time.Time, signers ...Signer) ([]byte, error) {
	if err := checkSigners(signers); err != nil {
		return nil, err
	}
	var joined []byte
	for _, s := range signers {
		if _, err := data.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("data to sign: %w", err)
		}
		file, err := s.Detached(ctx, data, at)
		if err != nil {
			return nil, err
		}
		one, err := decodeSignature(file)
		if err != nil {
			return nil, fmt.Errorf("signature of key %s: %w: %w", s.Fingerprint(), ErrMalformed, err)
		}
		joined = append(joined, one...)
	}
	return encodeArmor(armorSignature, joined)
}

// checkSigners refuses to sign with nothing, or twice with one key.
func checkSigners(signers []Signer) error {
	if len(signers) == 0 {
		return errors.New("no key to sign with")
	}
	if len(signers) > maxSignatures {
		return fmt.Errorf("%d keys to sign with, more than %d", len(signers), maxSignatures)
	}
	var seen []string
	for _, s := range signers {
		if slices.Contains(seen, s.Fingerprint()) {
			return fmt.Errorf("key %s signs twice", s.Fingerprint())
		}
		seen = append(seen, s.Fingerprint())
	}
	return nil
}

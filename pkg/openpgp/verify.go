package openpgp

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"kubedist/pkg/hint"
)

// VerifyClearsigned checks a clearsigned file, such as an InRelease, as of the given time, and returns its text, which
// ends in one LF, and the fingerprints of the primary keys that signed it, in the order of their signatures.
//
// It is as strict as the strictest reader: the file must be one clearsigned block with nothing before or after it, and
// its signatures of version 4 and over a digest that sqv takes (ErrMalformed). Each signature by a key of the keyring
// must fit the text (ErrBadSignature). At least one must also count: made when its key was valid and not after now, by
// a key that is valid now; otherwise the error says why none does (ErrBadSignature, or those of
// [Certificate.UsableAt]). Signatures by other keys are passed over; when there are only such, the error wraps
// ErrUnknownSigner.
func VerifyClearsigned(data []byte, keyring []*Certificate, now time.Time) (text []byte, signers []string, err error) {
	c, err := decodeClearsigned(data)
	if err != nil {
		return nil, nil, fmt.Errorf("clearsigned file: %w: %w", ErrMalformed, err)
	}
	sigs, err := parseSignatures(c.signatures)
	if err != nil {
		return nil, nil, fmt.Errorf("clearsigned file: %w: %w", ErrMalformed, err)
	}
	for _, sig := range sigs {
		// A binary signature is over the same bytes here; some programs make them.
		if sig.SigType != packet.SigTypeText && sig.SigType != packet.SigTypeBinary {
			return nil, nil, fmt.Errorf("clearsigned file: %w: of type %#x", ErrBadSignature, byte(sig.SigType))
		}
		if !slices.Contains(c.digests, digestName(sig.Hash)) {
			return nil, nil, fmt.Errorf("clearsigned file: %w: no Hash header names its digest", ErrBadSignature)
		}
	}
	digests := newDigests(sigs)
	writeCanonical(digests, c.text)
	signers, err = verifyAll(sigs, digests, keyring, now)
	if err != nil {
		return nil, nil, fmt.Errorf("clearsigned file: %w", err)
	}
	return append(c.text, '\n'), signers, nil
}

// VerifyDetached checks a detached signature, armored or binary, on all of data, as of the given time. It returns the
// fingerprints of the primary keys that signed, and follows the rules of [VerifyClearsigned].
func VerifyDetached(ctx context.Context, data io.Reader, signature []byte, keyring []*Certificate, now time.Time) (signers []string, err error) {
	sigs, err := parseDetached(signature)
	if err != nil {
		return nil, fmt.Errorf("detached signature: %w", err)
	}
	digests := newDigests(sigs)
	if _, err := io.Copy(digests, &contextReader{ctx, data}); err != nil {
		return nil, fmt.Errorf("signed data: %w", err)
	}
	signers, err = verifyAll(sigs, digests, keyring, now)
	if err != nil {
		return nil, fmt.Errorf("detached signature: %w", err)
	}
	return signers, nil
}

// parseDetached reads the signatures of a signature file, all of which must be on data as it is.
func parseDetached(signature []byte) ([]*packet.Signature, error) {
	body, err := decodeSignature(signature)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	sigs, err := parseSignatures(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	for _, sig := range sigs {
		if sig.SigType != packet.SigTypeBinary {
			return nil, fmt.Errorf("%w: of type %#x", ErrBadSignature, byte(sig.SigType))
		}
	}
	return sigs, nil
}

// decodeSignature returns the packets of a signature file: one armored block and nothing else, or binary data.
func decodeSignature(signature []byte) ([]byte, error) {
	switch {
	case len(signature) > maxSignature:
		return nil, fmt.Errorf("more than %d bytes", maxSignature)
	case len(signature) == 0:
		return nil, errors.New("it is empty")
	case signature[0]&0x80 != 0:
		return signature, nil
	}
	body, rest, err := decodeArmor(armorSignature, signature)
	if err == nil && len(bytes.TrimSpace(rest)) > 0 {
		err = fmt.Errorf("%d bytes after its end", len(rest))
	}
	return body, err
}

// parseSignatures reads a run of signature packets. Anything that makes one unfit, whoever made it, is an error: apt
// refuses the whole file for some of it.
func parseSignatures(data []byte) ([]*packet.Signature, error) {
	packets, err := splitPackets(data)
	if err != nil {
		return nil, err
	}
	if len(packets) == 0 || len(packets) > maxSignatures || len(data) > maxSignature {
		return nil, fmt.Errorf("%d signatures in %d bytes", len(packets), len(data))
	}
	var sigs []*packet.Signature
	for i, p := range packets {
		if p.tag != tagSignature {
			return nil, fmt.Errorf("packet %d is no signature: it has type %d", i+1, p.tag)
		}
		if len(p.body) > 0 && p.body[0] != 4 {
			return nil, fmt.Errorf("signature %d has version %d, not 4", i+1, p.body[0])
		}
		parsed, err := p.parse()
		if err != nil {
			return nil, fmt.Errorf("signature %d: %w", i+1, err)
		}
		sig, ok := parsed.(*packet.Signature)
		if !ok {
			return nil, fmt.Errorf("packet %d is no signature", i+1)
		}
		if weak := weakDigest(sig.Hash); weak != "" || !sig.Hash.Available() {
			return nil, fmt.Errorf("signature %d uses %s", i+1, sig.Hash)
		}
		for _, n := range sig.Notations {
			if n.IsCritical {
				return nil, fmt.Errorf("signature %d has a critical notation, %q", i+1, printable(n.Name))
			}
		}
		sigs = append(sigs, sig)
	}
	return sigs, nil
}

// digests take in the signed data once for all signatures.
type digests map[crypto.Hash]hash.Hash

func newDigests(sigs []*packet.Signature) digests {
	d := make(digests)
	for _, sig := range sigs {
		if d[sig.Hash] == nil {
			d[sig.Hash] = sig.Hash.New()
		}
	}
	return d
}

func (d digests) Write(p []byte) (int, error) {
	for _, h := range d {
		_, _ = h.Write(p)
	}
	return len(p), nil
}

// clone returns a digest's state for one more signature to be finished on.
func (d digests) clone(h crypto.Hash) (hash.Hash, error) {
	cloner, ok := d[h].(hash.Cloner)
	if !ok {
		return nil, fmt.Errorf("%s: state cannot be copied", h)
	}
	return cloner.Clone()
}

// verifyAll applies the rules that VerifyClearsigned states.
func verifyAll(sigs []*packet.Signature, d digests, keyring []*Certificate, now time.Time) ([]string, error) {
	var signers []string
	var worthless error
	for i, sig := range sigs {
		for _, cert := range keyring {
			key := cert.issuer(sig)
			if key == nil {
				continue
			}
			digest, err := d.clone(sig.Hash)
			if err != nil {
				return nil, err
			}
			if key.VerifySignature(digest, sig) != nil {
				return nil, fmt.Errorf("signature %d: %w by %s: it does not fit the data", i+1, ErrBadSignature, cert)
			}
			if err := cert.accepts(sig, key, now); err != nil {
				worthless = errors.Join(worthless, fmt.Errorf("signature %d: %w", i+1, err))
			} else if f := cert.Fingerprint(); !slices.Contains(signers, f) {
				signers = append(signers, f)
			}
			break
		}
	}
	switch {
	case len(signers) > 0:
		return signers, nil
	case worthless != nil:
		return nil, worthless
	}
	return nil, hint.Errorf("use the keyring that belongs to the archive", "%w: signed by %s", ErrUnknownSigner, issuers(sigs))
}

// issuer returns the key of c that a signature names as its maker, or nil.
func (c *Certificate) issuer(sig *packet.Signature) *packet.PublicKey {
	if sig.CheckKeyIdOrFingerprint(c.primary) {
		return c.primary
	}
	for i := range c.subkeys {
		if key := c.subkeys[i].key; sig.CheckKeyIdOrFingerprint(key) {
			return key
		}
	}
	return nil
}

// accepts says whether a signature by a key of c, which fits its data, counts now: the key must have been valid when it
// signed and, as gpgv has it, must be so still.
func (c *Certificate) accepts(sig *packet.Signature, key *packet.PublicKey, now time.Time) error {
	if sig.CreationTime.After(now) {
		return hint.Errorf("check the clock", "%w by %s: made on %s, which is not yet", ErrBadSignature, c, day(sig.CreationTime))
	}
	if sig.SigExpired(now) {
		return fmt.Errorf("%w by %s: it has expired", ErrBadSignature, c)
	}
	for _, at := range []time.Time{sig.CreationTime, now} {
		keys, err := c.signingKeys(at)
		if err != nil {
			return err
		}
		if !slices.Contains(keys, key) {
			return fmt.Errorf("%w by %s: made by a part of the key that may not sign at %s", ErrBadSignature, c, day(at))
		}
	}
	return nil
}

// issuers names the keys that signatures say they are by.
func issuers(sigs []*packet.Signature) string {
	var names []string
	for _, sig := range sigs {
		switch {
		case len(sig.IssuerFingerprint) > 0:
			names = append(names, fmt.Sprintf("%X", sig.IssuerFingerprint))
		case sig.IssuerKeyId != nil:
			names = append(names, fmt.Sprintf("%016X", *sig.IssuerKeyId))
		default:
			names = append(names, "nobody")
		}
	}
	return fmt.Sprint(names)
}

package provenance

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kubedist/pkg/openpgp"
)

// Signer signs envelopes; the same bytes for the same input.
type Signer interface {
	// KeyID tells verifiers which key to try. It is not signed.
	KeyID() string
	// Sign signs the bytes that [PAE] makes.
	Sign(ctx context.Context, pae []byte) ([]byte, error)
}

// OpenPGP signs with an OpenPGP key, as of the given time: a binary detached signature, which gpg verifies. The key id is
// the fingerprint of the primary key.
func OpenPGP(s openpgp.Signer, at time.Time) Signer { return openPGP{s, at} }

type openPGP struct {
	signer openpgp.Signer
	at     time.Time
}

func (s openPGP) KeyID() string { return s.signer.Fingerprint() }

func (s openPGP) Sign(ctx context.Context, pae []byte) ([]byte, error) {
	armored, err := s.signer.Detached(ctx, bytes.NewReader(pae), s.at)
	if err != nil {
		return nil, err
	}
	return openpgp.Dearmor(armored)
}

// Sign puts a statement, as [Statement.Marshal] writes it, into an envelope with the signatures of all signers, in their
// order. The envelope is one line, as a file of attestations (.intoto.jsonl) has them.
func Sign(ctx context.Context, payload []byte, signers ...Signer) ([]byte, error) {
	if len(signers) == 0 || len(signers) > maxSignatures {
		return nil, fmt.Errorf("envelope: %d keys to sign with", len(signers))
	}
	e := envelope{PayloadType: PayloadType, Payload: base64.StdEncoding.EncodeToString(payload)}
	pae := PAE(PayloadType, payload)
	for _, s := range signers {
		raw, err := s.Sign(ctx, pae)
		if err == nil && len(raw) == 0 {
			err = errors.New("it is empty")
		}
		if err != nil {
			return nil, fmt.Errorf("envelope: signature of key %s: %w", s.KeyID(), err)
		}
		e.Signatures = append(e.Signatures, signature{KeyID: s.KeyID(), Sig: base64.StdEncoding.EncodeToString(raw)})
	}
	data, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	return append(data, '\n'), nil
}

package provenance

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// PayloadType is that of the statements in envelopes.
const PayloadType = "application/vnd.in-toto+json"

// Bounds on what is read from others.
const (
	MaxSize       = 64 << 20 // bytes of an envelope; that of a whole Kubernetes release has 100 KB
	maxSignatures = 16
	maxSignature  = 1 << 16 // bytes of one
)

// envelope is a DSSE envelope, protocol version 1.
type envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     string      `json:"payload"` // base64
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"` // base64
}

// PAE is the pre-authentication encoding of DSSE: the bytes that are signed.
func PAE(payloadType string, payload []byte) []byte {
	return append(fmt.Appendf(nil, "DSSEv1 %d %s %d ", len(payloadType), payloadType, len(payload)), payload...)
}

// opened is an envelope, taken apart and not yet verified.
type opened struct {
	payload    []byte
	signatures [][]byte
}

// open takes an envelope apart. Unknown fields and key ids are passed over, as DSSE asks: neither is signed. Everything
// else is refused where it is not what DSSE says, with nothing but white space around one JSON object.
func open(data []byte) (*opened, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("larger than %d bytes", MaxSize)
	}
	var e envelope
	in := json.NewDecoder(bytes.NewReader(data))
	if err := in.Decode(&e); err != nil {
		return nil, err
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something after its end")
	}
	if e.PayloadType != PayloadType {
		return nil, fmt.Errorf("payload of type %.80q, not %s", e.PayloadType, PayloadType)
	}
	if len(e.Signatures) == 0 || len(e.Signatures) > maxSignatures {
		return nil, fmt.Errorf("%d signatures", len(e.Signatures))
	}
	o := &opened{}
	var err error
	if o.payload, err = decode(e.Payload); err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	for i, s := range e.Signatures {
		raw, err := decode(s.Sig)
		if err == nil && (len(raw) == 0 || len(raw) > maxSignature) {
			err = fmt.Errorf("%d bytes", len(raw))
		}
		if err != nil {
			return nil, fmt.Errorf("signature %d: %w", i+1, err)
		}
		o.signatures = append(o.signatures, raw)
	}
	return o, nil
}

// decode reads base64 in either alphabet: DSSE has consumers accept both.
func decode(text string) ([]byte, error) {
	data, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		if safe, urlErr := base64.URLEncoding.Strict().DecodeString(text); urlErr == nil {
			return safe, nil
		}
	}
	return data, err
}

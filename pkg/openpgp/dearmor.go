package openpgp

import "fmt"

// Dearmor returns the packets of a detached signature, armored as [Signer] makes it or binary already: what goes where
// signatures have an encoding of their own. The error wraps ErrMalformed.
func Dearmor(signature []byte) ([]byte, error) {
	packets, err := decodeSignature(signature)
	if err == nil {
		_, err = parseSignatures(packets)
	}
	if err != nil {
		return nil, fmt.Errorf("detached signature: %w: %w", ErrMalformed, err)
	}
	return packets, nil
}

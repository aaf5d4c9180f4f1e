package openpgp

import "fmt"

// Cleartext returns the text of a clearsigned file, which ends in one LF, and verifies nothing: for who knows by other
// means that the file is the right one. It is as strict about the form as [VerifyClearsigned].
func Cleartext(data []byte) ([]byte, error) {
	c, err := decodeClearsigned(data)
	if err == nil {
		_, err = parseSignatures(c.signatures)
	}
	if err != nil {
		return nil, fmt.Errorf("clearsigned file: %w: %w", ErrMalformed, err)
	}
	return append(c.text, '\n'), nil
}

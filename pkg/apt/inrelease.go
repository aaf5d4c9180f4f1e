package apt

import "fmt"

// ReadInRelease reads the Release that an InRelease holds. It does not check the signature: it is for files that the
// caller has published, or is about to replace.
func ReadInRelease(file []byte) (*Release, error) {
	text, err := signedText(file)
	if err != nil {
		return nil, fmt.Errorf("InRelease: %w", err)
	}
	r, err := ParseRelease(text)
	if err != nil {
		return nil, fmt.Errorf("InRelease: %w", err)
	}
	return r, nil
}

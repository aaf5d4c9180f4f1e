package provenance

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// DirHash turns a sum of go.sum ("h1:" and base64) into the digest that in-toto calls dirHash: the same SHA-256, in
// hexadecimal.
func DirHash(sum string) (map[string]string, error) {
	text, ok := strings.CutPrefix(sum, "h1:")
	digest, err := base64.StdEncoding.Strict().DecodeString(text)
	if !ok || err != nil || len(digest) != 32 {
		return nil, fmt.Errorf("sum %.80q: not of the form h1:BASE64", sum)
	}
	return map[string]string{"dirHash": hex.EncodeToString(digest)}, nil
}

package bucket

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// checkedReader passes a file on and fails at its end when it was not the one that was expected, so that a store never
// completes the object.
type checkedReader struct {
	r      io.Reader
	hash   hash.Hash
	left   int64
	sha256 string
}

func newCheckedReader(r io.Reader, size int64, digest string) *checkedReader {
	return &checkedReader{r: r, hash: sha256.New(), left: size, sha256: digest}
}

// Read fails instead of giving the last bytes when they make another digest: some stores need not be told of the end.
func (c *checkedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.hash.Write(p[:n])
	if c.left -= int64(n); c.left < 0 {
		return 0, errors.New("longer than it was")
	}
	if n > 0 && c.left == 0 || errors.Is(err, io.EOF) {
		if c.left > 0 {
			return 0, fmt.Errorf("%d bytes shorter than it was", c.left)
		}
		if got := hex.EncodeToString(c.hash.Sum(nil)); got != c.sha256 {
			return 0, fmt.Errorf("SHA-256 is %s, not %s as it is listed", got, c.sha256)
		}
	}
	return n, err
}

// digest reads r to its end.
func digest(ctx context.Context, r io.Reader) (string, error) {
	h := sha256.New()
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if _, err := io.CopyN(h, r, 4<<20); errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil)), nil
		} else if err != nil {
			return "", err
		}
	}
}

package apt

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
)

// hashFile gives the SHA-256 and the size of a regular file.
func hashFile(ctx context.Context, name string) (digest string, size int64, err error) {
	expected, err := sizeOf(name, true)
	if err != nil {
		return "", 0, err
	}
	if expected < 0 { // opening a named pipe would wait for its other end
		return "", 0, errors.New("not a regular file")
	}
	f, err := openFile(name, os.O_RDONLY, 0)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	buffer := make([]byte, min(max(expected, 512), 256<<10))
	for {
		if err := ctx.Err(); err != nil {
			return "", 0, err
		}
		n, err := f.Read(buffer)
		h.Write(buffer[:n])
		size += int64(n)
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil)), size, nil
		}
		if err != nil {
			return "", 0, err
		}
	}
}

// digestOf gives the SHA-256 of a text, in hexadecimal.
func digestOf(text []byte) string {
	digest := sha256.Sum256(text)
	return hex.EncodeToString(digest[:])
}

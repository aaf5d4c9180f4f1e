package deb

import (
	"bytes"
	"compress/gzip"
)

// Gzip compresses a file for a package as `gzip -9n` does: at the highest level, without name and time (Policy 12.3, 12.7).
func Gzip(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

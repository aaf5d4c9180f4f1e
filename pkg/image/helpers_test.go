package image_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"flag"
	"io"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// readTar reads a tar into memory.
func readTar(t *testing.T, data []byte) (headers []*tar.Header, contents [][]byte) {
	t.Helper()
	tr := tar.NewReader(bytes.NewReader(data))
	for {
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return headers, contents
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		headers, contents = append(headers, header), append(contents, content)
	}
}

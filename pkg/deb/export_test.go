package deb

import (
	"errors"
	"fmt"
	"io"
)

// WalkTar walks a tar archive as packages are read, and gives the name, kind and contents of each entry.
func WalkTar(r io.Reader) ([]string, error) {
	var t tarReader
	t.reset(r)
	var all []string
	for {
		e, err := t.next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		contents, err := io.ReadAll(&t)
		if err != nil {
			return all, err
		}
		all = append(all, fmt.Sprintf("%q %c %q", e.name, e.kind, contents))
	}
}

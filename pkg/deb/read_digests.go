package deb

import (
	"archive/tar"
	"cmp"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
)

// Installed is a regular file that a package installs.
type Installed struct {
	Name   string // path without a slash at its beginning
	Size   int64  // bytes
	SHA1   string // lower-case hexadecimal; SPDX asks for it
	SHA256 string
}

// Digests is [Read] for who needs to know what is in the files: it digests every regular file that the package installs,
// in the same pass, and returns them sorted by name. A name that comes twice is an error.
func Digests(ctx context.Context, r io.Reader, limits Limits) (*Info, []Installed, error) {
	var files []Installed
	info, err := new(Reader).ReadEntries(ctx, r, limits, func(e Entry, contents io.Reader) error {
		if e.Type != tar.TypeReg {
			return nil
		}
		one, all := sha1.New(), sha256.New()
		size, err := io.Copy(io.MultiWriter(one, all), contents)
		files = append(files, Installed{Name: e.Path, Size: size, SHA1: hex.EncodeToString(one.Sum(nil)), SHA256: hex.EncodeToString(all.Sum(nil))})
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(files, func(a, b Installed) int { return cmp.Compare(a.Name, b.Name) })
	for i := 1; i < len(files); i++ {
		if files[i].Name == files[i-1].Name {
			return nil, nil, fmt.Errorf("member data.tar: %s comes twice", files[i].Name)
		}
	}
	return info, files, nil
}

package deb

import (
	"archive/tar"
	"cmp"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// Installed is a regular file that a package installs.
type Installed struct {
	Name   string // path without a slash at its beginning
	Size   int64  // bytes
	SHA1   string // lower-case hexadecimal; SPDX asks for it
	SHA256 string
}

// Digests is [ReadFiles] for who needs to know what is in the files: it digests every regular file that the package
// installs, in the same pass, and returns them sorted by name. A name that comes twice is an error.
func Digests(ctx context.Context, r io.Reader, limits Limits) (*Info, []Installed, error) {
	d := &digester{}
	info, err := d.read(ctx, r, limits, d.data)
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(d.files, func(a, b Installed) int { return cmp.Compare(a.Name, b.Name) })
	for i := 1; i < len(d.files); i++ {
		if d.files[i].Name == d.files[i-1].Name {
			return nil, nil, fmt.Errorf("member data.tar: %s comes twice", d.files[i].Name)
		}
	}
	return info, d.files, nil
}

// digester is a Reader that digests what is in the data member.
type digester struct {
	Reader
	files []Installed
}

// data is a dataReader.
func (d *digester) data(r io.Reader, compression string, _ *Info, limits Limits) error {
	plain, err := d.unpackData(r, compression, limits)
	if err != nil {
		return err
	}
	bounded := &bound{r: plain, left: limits.Data, limit: limits.Data}
	entries := tar.NewReader(bounded)
	length := 0
	for count := 0; ; count++ {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("tar: %w", err)
		}
		if count == limits.Files {
			return fmt.Errorf("tar: more than %d entries", limits.Files)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if length += len(h.Name); length > longestNames {
			return fmt.Errorf("tar: names of more than %d bytes", longestNames)
		}
		one, all := sha1.New(), sha256.New()
		size, err := io.Copy(io.MultiWriter(one, all), entries)
		if err != nil {
			return fmt.Errorf("tar: %s: %w", h.Name, err)
		}
		d.files = append(d.files, Installed{
			Name: strings.TrimPrefix(path.Clean("/"+h.Name), "/"), Size: size,
			SHA1: hex.EncodeToString(one.Sum(nil)), SHA256: hex.EncodeToString(all.Sum(nil)),
		})
	}
	if _, err := io.Copy(io.Discard, bounded); err != nil {
		return fmt.Errorf("after the tar archive: %w", err)
	}
	return nil
}

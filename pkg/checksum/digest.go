// Package checksum computes file digests and keeps the SHA256SUMS and SHA512SUMS files that coreutils' sha256sum and
// sha512sum read: it writes them, parses them and verifies directories against them.
//
// It knows nothing about signatures or about what the files are. Of the formats that coreutils accepts it takes the one
// it writes itself, `<hex digest>  <path>`: names that would need coreutils' escaping (a backslash or a control
// character inside) are refused in both directions, as are paths that lead out of the directory.
package checksum

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// An Algorithm is a digest algorithm of FIPS 180-4, named as in the names of sum files.
type Algorithm string

// The algorithms that releases carry.
const (
	SHA256 Algorithm = "SHA256"
	SHA512 Algorithm = "SHA512"
)

// FileName returns the conventional name of the file that lists sums of a whole directory: SHA256SUMS or SHA512SUMS.
func (a Algorithm) FileName() string { return string(a) + "SUMS" }

// digits returns the number of hex digits in a digest, 0 for an unknown algorithm.
func (a Algorithm) digits() int {
	switch a {
	case SHA256:
		return 2 * sha256.Size
	case SHA512:
		return 2 * sha512.Size
	}
	return 0
}

// Digests describes the content of one file.
type Digests struct {
	Size   int64  // bytes
	SHA256 string // lower-case hex
	SHA512 string // lower-case hex
}

// Of returns the digest of one algorithm, "" for an unknown one.
func (d Digests) Of(a Algorithm) string {
	switch a {
	case SHA256:
		return d.SHA256
	case SHA512:
		return d.SHA512
	}
	return ""
}

// bufferSize is what one read asks for. Larger ones are not faster; smaller ones are, by a little, slower.
const bufferSize = 256 << 10

// Read digests all of r in one pass. It returns ctx's error soon after ctx ends, and r's errors as they are.
func Read(ctx context.Context, r io.Reader) (Digests, error) {
	h256, h512 := sha256.New(), sha512.New()
	buffer := make([]byte, bufferSize)
	var d Digests
	for {
		if err := ctx.Err(); err != nil {
			return Digests{}, err
		}
		n, err := r.Read(buffer)
		h256.Write(buffer[:n])
		h512.Write(buffer[:n])
		d.Size += int64(n)
		if err == io.EOF {
			break
		}
		if err != nil {
			return Digests{}, err
		}
	}
	d.SHA256 = hex.EncodeToString(h256.Sum(nil))
	d.SHA512 = hex.EncodeToString(h512.Sum(nil))
	return d, nil
}

// File digests the file at path, whose name is part of every error.
func File(ctx context.Context, path string) (Digests, error) {
	f, err := os.Open(path)
	if err != nil {
		return Digests{}, fmt.Errorf("digest: %w", err)
	}
	defer f.Close()
	d, err := Read(ctx, f)
	if err != nil {
		return Digests{}, fmt.Errorf("digest of %s: %w", path, err)
	}
	return d, nil
}

// Files digests the named files under dir, jobs of them at a time (at least one), and returns the digests in the order
// of names. The first error ends the work.
func Files(ctx context.Context, dir string, names []string, jobs int) ([]Digests, error) {
	out := make([]Digests, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(jobs, 1))
	for i, name := range names {
		group.Go(func() (err error) {
			out[i], err = File(ctx, filepath.Join(dir, filepath.FromSlash(name)))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return out, nil
}

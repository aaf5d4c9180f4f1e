// Command floor does the least that an archive has to do with its packages, in one goroutine: it reads each whole, hashes
// it with SHA-256 and finds its control paragraph.
//
//	go run ./scripts/bench/floor [-hash] DIR
//
// With -hash it only hashes.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

func main() {
	hashOnly := flag.Bool("hash", false, "hash only")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	r := &reader{hashOnly: *hashOnly}
	err := filepath.WalkDir(flag.Arg(0), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".deb") {
			return err
		}
		if err := r.read(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	if err != nil {
		fmt.Fprintf(os.Stderr, "floor: %v\n", err)
		os.Exit(1)
	}
	fmt.Printf("%d packages, %d bytes of control, digest of digests %x\n", r.packages, r.control, sha256.Sum256(r.digests))
}

// reader reads package after package in the same buffers.
type reader struct {
	hashOnly          bool
	packages, control int
	digests           []byte
	whole             bytes.Buffer
	unpacked          *gzip.Reader
}

func (r *reader) read(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	r.packages++
	if r.hashOnly {
		digest := sha256.New()
		if _, err := io.Copy(digest, f); err != nil {
			return err
		}
		r.digests = digest.Sum(r.digests)
		return nil
	}
	r.whole.Reset()
	if _, err := r.whole.ReadFrom(f); err != nil {
		return err
	}
	digest := sha256.Sum256(r.whole.Bytes())
	r.digests = append(r.digests, digest[:]...)
	member, err := controlMember(r.whole.Bytes())
	if err != nil {
		return err
	}
	return r.findControl(member)
}

// controlMember walks the ar archive.
func controlMember(data []byte) ([]byte, error) {
	const magic, header = 8, 60
	for at := magic; at+header <= len(data); {
		size, err := strconv.Atoi(strings.TrimRight(string(data[at+48:at+58]), " "))
		if err != nil || at+header+size > len(data) {
			return nil, errors.New("no ar archive")
		}
		if name := string(data[at : at+16]); strings.HasPrefix(name, "control.tar.gz") {
			return data[at+header : at+header+size], nil
		}
		at += header + size + size%2
	}
	return nil, errors.New("no control.tar.gz")
}

// findControl unpacks the member up to the control paragraph.
func (r *reader) findControl(member []byte) error {
	var err error
	if r.unpacked == nil {
		r.unpacked, err = gzip.NewReader(bytes.NewReader(member))
	} else {
		err = r.unpacked.Reset(bytes.NewReader(member))
	}
	if err != nil {
		return err
	}
	entries := tar.NewReader(r.unpacked)
	for {
		h, err := entries.Next()
		if err != nil {
			return err
		}
		if path.Clean(h.Name) == "control" {
			text, err := io.ReadAll(entries)
			r.control += len(text)
			return err
		}
	}
}

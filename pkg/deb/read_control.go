package deb

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"kubedist/pkg/deb822"
)

// readControl unpacks the control member and takes the paragraph and the list of conffiles from it.
func readControl(r io.Reader, compression string, info *Info, limits Limits) error {
	plain, closePlain, err := unpack(r, compression, limits)
	if err != nil {
		return err
	}
	defer closePlain()
	bounded := &bound{r: plain, left: limits.Unpacked, limit: limits.Unpacked}
	entries := tar.NewReader(bounded)
	seen := map[string]bool{}
	for {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("tar: %w", err)
		}
		name := path.Clean(h.Name)
		if seen[name] {
			return fmt.Errorf("tar: %s is there twice", name)
		}
		seen[name] = true
		if len(seen) > limits.Entries {
			return fmt.Errorf("tar: more than %d entries", limits.Entries)
		}
		if name != "control" && name != "conffiles" {
			continue
		}
		if h.Typeflag != tar.TypeReg {
			return fmt.Errorf("tar: %s is no regular file", name)
		}
		if err := info.take(name, entries, h.Size, limits); err != nil {
			return err
		}
	}
	// What follows the archive's end must still unpack, so that a damaged stream is found here and not by dpkg.
	if _, err := io.Copy(io.Discard, bounded); err != nil {
		return fmt.Errorf("after the tar archive: %w", err)
	}
	if !seen["control"] {
		return errors.New("tar: no file control")
	}
	return nil
}

// take reads one file of the control member.
func (p *Info) take(name string, r io.Reader, size int64, limits Limits) error {
	if most := int64(4 << 20); size > most {
		return fmt.Errorf("%s: %d bytes are more than the %d allowed", name, size, most)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if name == "conffiles" {
		p.Conffiles = strings.Split(strings.TrimRight(string(text), "\n"), "\n")
		return nil
	}
	p.Control, err = deb822.Parse(text, limits.Control)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// unpack gives the plain bytes of a stream. The returned function frees the decoder.
func unpack(r io.Reader, compression string, limits Limits) (io.Reader, func(), error) {
	switch compression {
	case "":
		return r, func() {}, nil
	case "gz":
		plain, err := gzip.NewReader(r)
		if err != nil {
			return nil, nil, fmt.Errorf("gzip: %w", truncated(err))
		}
		return plain, func() { _ = plain.Close() }, nil
	case "zst":
		plain, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(uint64(limits.Dictionary)), zstd.WithDecoderMaxMemory(uint64(limits.Unpacked)))
		if err != nil {
			return nil, nil, fmt.Errorf("zstd: %w", err)
		}
		return plain, plain.Close, nil
	case "xz":
		// The xz decoder reserves whatever window a header asks for, up to 4 GiB, so the headers are read first.
		packed, err := io.ReadAll(r)
		if err != nil {
			return nil, nil, err
		}
		if err := CheckXZ(packed, limits.Dictionary); err != nil {
			return nil, nil, fmt.Errorf("xz: %w", err)
		}
		plain, err := xz.ReaderConfig{SingleStream: true}.NewReader(bytes.NewReader(packed))
		if err != nil {
			return nil, nil, fmt.Errorf("xz: %w", truncated(err))
		}
		return plain, func() {}, nil
	}
	return nil, nil, fmt.Errorf("compression %q is unknown", compression)
}

// bound ends a stream that grows too long with an error, not silently.
type bound struct {
	r     io.Reader
	left  int64
	limit int64
}

func (b *bound) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("unpacks to more than the %d bytes allowed", b.limit)
	}
	return n, err
}

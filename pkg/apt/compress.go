package apt

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"kubedist/pkg/deb"
)

// packedFile is a file being written: it is hashed and counted on its way to the disk.
type packedFile struct {
	f    *file
	temp string // its name on the disk
	hash hash.Hash
	size int64
	enc  io.WriteCloser // nil for the plain file
}

// createPacked starts a temporary file in the given compression ("" for none). The same bytes in give the same bytes
// out: no name, no time, and one goroutine.
func createPacked(d *disk, compression string) (*packedFile, error) {
	f, temp, err := d.temp()
	if err != nil {
		return nil, err
	}
	p := &packedFile{f: f, temp: temp, hash: sha256.New()}
	raw := writerFunc(func(b []byte) (int, error) {
		n, err := f.Write(b)
		p.hash.Write(b[:n])
		p.size += int64(n)
		return n, err
	})
	switch compression {
	case "":
	case "gz":
		p.enc = gzip.NewWriter(raw)
	case "zst":
		// A window of 8 MiB and more would keep small machines from unpacking in little memory.
		p.enc, err = zstd.NewWriter(raw, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(4<<20))
	case "xz":
		p.enc, err = xz.NewWriter(raw)
	default:
		err = fmt.Errorf("compression %q is unknown", compression)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if p.enc == nil {
		p.enc = nopCloser{raw}
	}
	return p, nil
}

func (p *packedFile) Write(b []byte) (int, error) { return p.enc.Write(b) }

// finish ends the file and tells what Release says about it.
func (p *packedFile) finish(path string) (ReleaseFile, error) {
	if err := errors.Join(p.enc.Close(), p.f.Close()); err != nil {
		return ReleaseFile{}, err
	}
	return ReleaseFile{Path: path, Size: p.size, SHA256: hex.EncodeToString(p.hash.Sum(nil))}, nil
}

type writerFunc func([]byte) (int, error)

func (w writerFunc) Write(p []byte) (int, error) { return w(p) }

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

const (
	// maxIndex bounds an unpacked index in bytes: room for more than a million packages.
	maxIndex = 1 << 30
	// maxWindow bounds in bytes what a compressed index may ask for to be unpacked: xz -9 needs that much.
	maxWindow = 64 << 20
)

// unpackIndex gives the plain text of an index that is stored in the given compression.
func unpackIndex(packed []byte, compression string) ([]byte, error) {
	return unpackUpTo(packed, compression, maxIndex)
}

// unpackUpTo refuses what unpacks to more than most bytes.
func unpackUpTo(packed []byte, compression string, most int64) ([]byte, error) {
	var plain io.Reader
	var err error
	switch compression {
	case "":
		return packed, nil
	case "gz":
		plain, err = gzip.NewReader(bytes.NewReader(packed))
	case "zst":
		var decoder *zstd.Decoder
		if decoder, err = zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow)); err == nil {
			defer decoder.Close()
			plain = decoder
		}
	case "xz":
		if err = deb.CheckXZ(packed, maxWindow); err == nil {
			plain, err = xz.ReaderConfig{SingleStream: true}.NewReader(bytes.NewReader(packed))
		}
	default:
		err = fmt.Errorf("compression %q is unknown", compression)
	}
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(plain, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("unpacks to more than %d bytes", most)
	}
	return text, err
}

package deb

import (
	"bytes"
	"fmt"
	"io"
	"math"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// decoders unpack stream after stream in the same buffers. One stream of them is read at a time.
type decoders struct {
	tar     tarReader
	gzip    gzip.Reader
	zstd    *zstd.Decoder
	window  int64        // that zstd takes
	packed  bytes.Buffer // a stream, or the start of one, that is looked at before it is unpacked
	control bytes.Buffer // the control member as it is stored
	start   bytes.Reader
	text    []byte // one file of it
}

// unpack gives the plain bytes of a stream, good until the next call.
func (p *decoders) unpack(r io.Reader, compression string, limits Limits) (io.Reader, error) {
	switch compression {
	case "":
		return r, nil
	case "gz":
		if err := p.gzip.Reset(r); err != nil {
			return nil, fmt.Errorf("gzip: %w", truncated(err))
		}
		return &p.gzip, nil
	case "zst":
		if err := p.resetZstd(r, limits.Dictionary); err != nil {
			return nil, fmt.Errorf("zstd: %w", err)
		}
		return p.zstd, nil
	case "xz":
		// The xz decoder reserves whatever window a header asks for, up to 4 GiB, so the headers are read first.
		p.packed.Reset()
		if _, err := p.packed.ReadFrom(r); err != nil {
			return nil, err
		}
		if err := fitXZ(p.packed.Bytes(), limits.Dictionary); err != nil {
			return nil, fmt.Errorf("xz: %w", err)
		}
		plain, err := xz.ReaderConfig{SingleStream: true}.NewReader(bytes.NewReader(p.packed.Bytes()))
		if err != nil {
			return nil, fmt.Errorf("xz: %w", truncated(err))
		}
		return plain, nil
	}
	return nil, fmt.Errorf("compression %q is unknown", compression)
}

// resetZstd points the decoder at r. It works in the reader's own goroutine and so needs no closing; what it unpacks is
// bounded by whoever reads it, only its window here.
func (p *decoders) resetZstd(r io.Reader, window int64) (err error) {
	if p.zstd != nil && p.window == window {
		return p.zstd.Reset(r)
	}
	p.window = window
	p.zstd, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(uint64(window)), zstd.WithDecoderMaxMemory(math.MaxInt64))
	return err
}

package deb

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// xzGuard passes an xz stream on, and ends it with an error where a block asks for a larger dictionary than is allowed:
// it does for a stream of any length what checkXZ does for one in memory.
type xzGuard struct {
	r     *bufio.Reader
	most  int64
	pass  int // bytes that may be passed on before the next look
	check int // bytes of the check behind each block
	body  int // bytes of the block so far
	next  func() error
}

func newXZGuard(r io.Reader, most int64) *xzGuard {
	g := &xzGuard{r: bufio.NewReaderSize(r, 32<<10), most: most}
	g.next = g.stream
	return g
}

func (g *xzGuard) Read(p []byte) (int, error) {
	for g.pass == 0 && g.next != nil {
		if err := g.next(); errors.Is(err, io.EOF) {
			g.next = nil // too short: the decoder says so
		} else if err != nil {
			return 0, err
		}
	}
	if g.next == nil && g.pass == 0 {
		return g.r.Read(p)
	}
	n, err := g.r.Read(p[:min(len(p), g.pass)])
	g.pass -= n
	return n, err
}

// stream looks at the header of the stream.
func (g *xzGuard) stream() error {
	header, err := g.r.Peek(12)
	if err != nil {
		return err
	}
	g.check = xzCheckSize(header[7])
	g.pass, g.next = len(header), g.block
	return nil
}

// block looks at the header of a block, or at the index, after which there is no block.
func (g *xzGuard) block() error {
	size, err := g.r.Peek(1)
	if err != nil {
		return err
	}
	if size[0] == 0 {
		g.next = nil
		return nil
	}
	header, err := g.r.Peek((int(size[0]) + 1) * 4)
	if err != nil {
		return err
	}
	property, err := xzProperty(header[1:])
	if err != nil {
		return err
	}
	if dictionary := xzDictionary(*property); dictionary > g.most {
		return fmt.Errorf("asks for a dictionary of %d bytes, more than the %d allowed: %w", dictionary, g.most, errXZBeyond)
	}
	g.pass, g.body, g.next = len(header), 0, g.chunk
	return nil
}

// chunk looks at the header of an LZMA2 chunk.
func (g *xzGuard) chunk() error {
	control, err := g.r.Peek(1)
	if err != nil {
		return err
	}
	kind := control[0]
	switch {
	case kind == 0:
		g.body++
		g.pass, g.next = 1+(4-g.body%4)%4+g.check, g.block
		return nil
	case kind > 2 && kind < 0x80:
		return fmt.Errorf("holds an LZMA2 chunk of unknown kind %#02x", kind)
	}
	header, at := 3, 1 // stored: size
	if kind >= 0x80 {
		header, at = 5, 3 // unpacked size, packed size
	}
	start, err := g.r.Peek(header)
	if err != nil {
		return err
	}
	if kind >= 0xc0 {
		header++ // new properties
	}
	g.pass = header + int(binary.BigEndian.Uint16(start[at:])) + 1
	g.body = (g.body + g.pass) % 4
	return nil
}

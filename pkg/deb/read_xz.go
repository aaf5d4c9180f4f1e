package deb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

var (
	errXZShort = errors.New("ends inside a block")
	// errXZBeyond is about a stream that others may well unpack.
	errXZBeyond = errors.New("not unpacked here")
)

// CheckXZ walks the blocks of an xz stream (The .xz File Format 1.2.1) without unpacking them and refuses one that asks
// for a larger dictionary than most bytes, which decoders reserve before they look further. It checks nothing else: the
// decoder does. Streams that follow the first are not looked at.
func CheckXZ(packed []byte, most int64) error {
	return walkXZ(packed, most, func([]byte, *byte, int64) {})
}

// fitXZ is CheckXZ for a stream that may be changed. Packers ask for 8 MiB however little there is, and the decoder reserves
// what is asked for. So a block's header is changed, in place, to ask for no more than the block unpacks to.
func fitXZ(packed []byte, most int64) error {
	return walkXZ(packed, most, fitDictionary)
}

// walkXZ visits the header of each block, with where the property of LZMA2 stands in it and what the block unpacks to.
func walkXZ(packed []byte, most int64, visit func(header []byte, property *byte, unpacked int64)) error {
	const streamHeader = 12
	if len(packed) < streamHeader {
		return errXZShort
	}
	checkSize := xzCheckSize(packed[7])
	rest := packed[streamHeader:]
	for {
		if len(rest) == 0 {
			return errXZShort
		}
		if rest[0] == 0 { // the index: no block follows
			return nil
		}
		header := (int(rest[0]) + 1) * 4
		if len(rest) < header {
			return errXZShort
		}
		property, err := xzProperty(rest[1:header])
		if err != nil {
			return err
		}
		if dictionary := xzDictionary(*property); dictionary > most {
			return fmt.Errorf("asks for a dictionary of %d bytes, more than the %d allowed: %w", dictionary, most, errXZBeyond)
		}
		body, unpacked, err := lzma2Length(rest[header:])
		visit(rest[:header], property, unpacked)
		if err != nil {
			return err
		}
		body += (4-body%4)%4 + checkSize
		if len(rest)-header < body {
			return errXZShort
		}
		rest = rest[header+body:]
	}
}

// xzCheckSize is the length of the check behind each block, by the stream's flags.
func xzCheckSize(flags byte) int {
	return []int{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}[flags&0x0f]
}

// fitDictionary lowers what a block's header asks for to what is needed. A header that is damaged stays so.
func fitDictionary(header []byte, property *byte, unpacked int64) {
	text, sum := header[:len(header)-4], header[len(header)-4:]
	if crc32.ChecksumIEEE(text) != binary.LittleEndian.Uint32(sum) {
		return
	}
	for *property&0x3f > 0 && xzDictionary(*property-1) >= unpacked {
		*property--
	}
	binary.LittleEndian.PutUint32(sum, crc32.ChecksumIEEE(text))
}

// xzDictionary is the size in bytes that a property of LZMA2 stands for.
func xzDictionary(property byte) int64 {
	bits := property & 0x3f
	return int64(2|bits&1) << (bits/2 + 11)
}

// xzProperty finds the property of LZMA2 in a block's header after its size byte. Packages are compressed with LZMA2 alone.
func xzProperty(header []byte) (*byte, error) {
	flags, rest := header[0], header[1:]
	if flags&0x3f != 0 {
		return nil, fmt.Errorf("uses other filters than LZMA2: %w", errXZBeyond)
	}
	for _, sizes := range []byte{0x40, 0x80} {
		if flags&sizes != 0 {
			_, n := binary.Uvarint(rest)
			if n <= 0 {
				return nil, errors.New("holds a block header that cannot be read")
			}
			rest = rest[n:]
		}
	}
	if len(rest) < 3 || rest[0] != 0x21 || rest[1] != 1 {
		return nil, fmt.Errorf("uses other filters than LZMA2: %w", errXZBeyond)
	}
	if rest[2]&0x3f > 40 {
		return nil, errors.New("holds a block header that cannot be read")
	}
	return &rest[2], nil
}

// lzma2Length is the length of an LZMA2 stream with its end marker, found by walking its chunks, and how many bytes it
// unpacks to. Of a stream that ends early it still tells how many the chunks that began unpack to.
func lzma2Length(b []byte) (length int, unpacked int64, err error) {
	at := 0
	for {
		if at >= len(b) {
			return 0, unpacked, errXZShort
		}
		control := b[at]
		if control == 0 {
			return at + 1, unpacked, nil
		}
		switch {
		case control >= 0x80: // unpacked size (2 bytes), packed size (2), properties when the state is reset to new ones
			if at+5 > len(b) {
				return 0, unpacked, errXZShort
			}
			unpacked += int64(control&0x1f)<<16 + int64(binary.BigEndian.Uint16(b[at+1:])) + 1
			header := 5
			if control >= 0xc0 {
				header = 6
			}
			at += header + int(binary.BigEndian.Uint16(b[at+3:])) + 1
		case control <= 2: // stored: size (2 bytes)
			if at+3 > len(b) {
				return 0, unpacked, errXZShort
			}
			unpacked += int64(binary.BigEndian.Uint16(b[at+1:])) + 1
			at += 3 + int(binary.BigEndian.Uint16(b[at+1:])) + 1
		default:
			return 0, unpacked, fmt.Errorf("holds an LZMA2 chunk of unknown kind %#02x", control)
		}
	}
}

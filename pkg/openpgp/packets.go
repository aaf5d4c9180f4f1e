package openpgp

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// The packet types that make up keys and signatures (RFC 9580, section 5).
const (
	tagSignature    = 2
	tagSecretKey    = 5
	tagPublicKey    = 6
	tagSecretSubkey = 7
	tagMarker       = 10
	tagTrust        = 12
	tagUserID       = 13
	tagPublicSubkey = 14
	tagPadding      = 21
)

// A rawPacket is one packet as it was read: its type and its body, without the header. Headers come in several forms
// for one content; leaving them out makes the public part of a key the same bytes wherever it came from.
type rawPacket struct {
	tag  byte
	body []byte
}

// splitPackets cuts data into packets (RFC 9580, section 4.2). Lengths that are left open, which only streamed messages
// have, are an error.
func splitPackets(data []byte) ([]rawPacket, error) {
	var packets []rawPacket
	for len(data) > 0 {
		if len(packets) == maxPackets {
			return nil, fmt.Errorf("more than %d packets", maxPackets)
		}
		tag, length, header, err := packetHeader(data)
		if err != nil {
			return nil, fmt.Errorf("packet %d: %w", len(packets)+1, err)
		}
		data = data[header:]
		if length > uint64(len(data)) {
			return nil, fmt.Errorf("packet %d: %d bytes announced, %d there: the data is cut short", len(packets)+1, length, len(data))
		}
		packets = append(packets, rawPacket{tag: tag, body: data[:length:length]})
		data = data[length:]
	}
	return packets, nil
}

// packetHeader reads the header at the front of data: the packet's type, the length of its body and the header's own.
func packetHeader(data []byte) (tag byte, length uint64, header int, err error) {
	first := data[0]
	if first&0x80 == 0 {
		return 0, 0, 0, errors.New("no OpenPGP packet")
	}
	rest := data[1:]
	var octets int
	if first&0x40 == 0 {
		// The old form: type in the middle four bits, the number of length octets in the last two.
		if first&3 == 3 {
			return 0, 0, 0, errors.New("its length is left open")
		}
		tag, octets = first>>2&0x0f, 1<<(first&3)
	} else {
		tag = first & 0x3f
		if len(rest) == 0 {
			return 0, 0, 0, errors.New("the data is cut short")
		}
		switch lead := rest[0]; {
		case lead < 192:
			octets = 1
		case lead < 224:
			if len(rest) < 2 {
				return 0, 0, 0, errors.New("the data is cut short")
			}
			return tag, uint64(lead-192)<<8 + uint64(rest[1]) + 192, 3, nil
		case lead < 255:
			return 0, 0, 0, errors.New("its length is left open")
		default:
			rest, octets, header = rest[1:], 4, 1
		}
	}
	if len(rest) < octets {
		return 0, 0, 0, errors.New("the data is cut short")
	}
	for _, b := range rest[:octets] {
		length = length<<8 | uint64(b)
	}
	return tag, length, header + 1 + octets, nil
}

// appendTo writes the packet with the shortest header of the current form.
func (p rawPacket) appendTo(b []byte) []byte {
	b = append(b, 0xc0|p.tag)
	switch n := len(p.body); {
	case n < 192:
		b = append(b, byte(n))
	case n < 8384:
		b = append(b, byte((n-192)>>8+192), byte(n-192))
	default:
		b = append(b, 255, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(b, p.body...)
}

// parse reads the packet's content.
func (p rawPacket) parse() (packet.Packet, error) {
	return packet.Read(bytes.NewReader(p.appendTo(nil)))
}

// onlyPacket returns the single packet that serialize writes.
func onlyPacket(serialize func(io.Writer) error) (rawPacket, error) {
	var buf bytes.Buffer
	if err := serialize(&buf); err != nil {
		return rawPacket{}, err
	}
	packets, err := splitPackets(buf.Bytes())
	if err != nil {
		return rawPacket{}, err
	}
	if len(packets) != 1 {
		return rawPacket{}, fmt.Errorf("%d packets where one was written", len(packets))
	}
	return packets[0], nil
}

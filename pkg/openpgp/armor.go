package openpgp

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
)

// The kinds of armored block (RFC 9580, section 6.2).
const (
	armorPublicKey  = "PGP PUBLIC KEY BLOCK"
	armorPrivateKey = "PGP PRIVATE KEY BLOCK"
	armorSignature  = "PGP SIGNATURE"

	armorBegin = "-----BEGIN "
	armorEnd   = "-----END "
	armorTail  = "-----"
)

// encodeArmor wraps data in ASCII armor with LF line ends and a final one. It writes no headers, so that the same data
// gives the same bytes, and the optional checksum, which old readers like to see.
func encodeArmor(kind string, data []byte) ([]byte, error) {
	var buf bytes.Buffer
	w, err := armor.Encode(&buf, kind, nil)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	buf.WriteByte('\n')
	return buf.Bytes(), nil
}

// decodeArmor reads the armored block of one kind that begins at the first byte of data. It returns what was armored
// and the bytes after the block's last line. The checksum, when there is one, must fit.
func decodeArmor(kind string, data []byte) (body, rest []byte, err error) {
	line, rest := nextLine(data)
	if string(line) != armorBegin+kind+armorTail {
		return nil, nil, fmt.Errorf("no %s", kind)
	}
	for {
		if len(rest) == 0 {
			return nil, nil, fmt.Errorf("%s without an end", kind)
		}
		if line, rest = nextLine(rest); len(line) == 0 {
			break
		}
		if !bytes.Contains(line, []byte(": ")) && !bytes.HasSuffix(line, []byte(":")) {
			return nil, nil, fmt.Errorf("%s without the empty line after its headers", kind)
		}
	}
	var encoded, checksum []byte
	for {
		if len(rest) == 0 {
			return nil, nil, fmt.Errorf("%s without an end", kind)
		}
		line, rest = nextLine(rest)
		if string(line) == armorEnd+kind+armorTail {
			break
		}
		switch {
		case checksum != nil:
			return nil, nil, fmt.Errorf("%s goes on after its checksum", kind)
		case len(line) == 5 && line[0] == '=':
			checksum = line[1:]
		default:
			encoded = append(encoded, line...)
		}
	}
	body = make([]byte, base64.StdEncoding.DecodedLen(len(encoded)))
	n, err := base64.StdEncoding.Strict().Decode(body, encoded)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", kind, err)
	}
	body = body[:n]
	if checksum != nil {
		sum := crc24(body)
		want := base64.StdEncoding.EncodeToString([]byte{byte(sum >> 16), byte(sum >> 8), byte(sum)})
		if string(checksum) != want {
			return nil, nil, fmt.Errorf("%s: its checksum does not fit: the text is damaged", kind)
		}
	}
	return body, rest, nil
}

// decodeKeyArmor reads all armored keys in a text, which may say other things around them.
func decodeKeyArmor(text []byte) ([]byte, error) {
	var all []byte
	blocks := 0
	for len(text) > 0 {
		line, rest := nextLine(text)
		kind, isBegin := strings.CutPrefix(string(line), armorBegin)
		kind, isWhole := strings.CutSuffix(kind, armorTail)
		if !isBegin || !isWhole {
			text = rest
			continue
		}
		if kind != armorPublicKey && kind != armorPrivateKey {
			return nil, fmt.Errorf("a %s where a key is wanted", kind)
		}
		body, rest, err := decodeArmor(kind, text)
		if err != nil {
			return nil, err
		}
		all, text = append(all, body...), rest
		blocks++
	}
	if blocks == 0 {
		return nil, errors.New("no OpenPGP key in it")
	}
	return all, nil
}

// nextLine cuts data after its first line, which it returns without its end (LF or CRLF) and trailing blanks.
func nextLine(data []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(data, []byte("\n"))
	return bytes.TrimRight(line, " \t\r"), rest
}

// crc24 is the armor checksum (RFC 9580, section 6.1.1).
func crc24(data []byte) uint32 {
	crc := uint32(0xb704ce)
	for _, b := range data {
		crc ^= uint32(b) << 16
		for range 8 {
			crc <<= 1
			if crc&0x1000000 != 0 {
				crc ^= 0x1864cfb
			}
		}
	}
	return crc
}

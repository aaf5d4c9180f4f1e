package openpgp

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"kubedist/pkg/hint"
)

// The cleartext signature framework (RFC 9580, section 7).
const (
	clearBegin = "-----BEGIN PGP SIGNED MESSAGE-----"
	// maxClearLine is the longest line, in bytes, that gpgv reads whole.
	maxClearLine = 19990
)

// digestName names a digest that signatures may use here as a Hash header does, or returns "".
func digestName(h crypto.Hash) string {
	switch h {
	case crypto.SHA224:
		return "SHA224"
	case crypto.SHA256:
		return "SHA256"
	case crypto.SHA384:
		return "SHA384"
	case crypto.SHA512:
		return "SHA512"
	case crypto.SHA3_256:
		return "SHA3-256"
	case crypto.SHA3_512:
		return "SHA3-512"
	}
	return ""
}

// signableText returns text without the LF at its end, or an error where signing would change it.
func signableText(text []byte) ([]byte, error) {
	text = bytes.TrimSuffix(text, []byte("\n"))
	if err := checkLines(text); err != nil {
		return nil, hint.Errorf("change the text, or make a detached signature", "text to sign: %w: %w", ErrMalformed, err)
	}
	return text, nil
}

// checkLines refuses what a clearsigned text cannot carry faithfully: the signature does not cover blanks at line ends,
// and gpgv neither keeps carriage returns nor reads lines of any length.
func checkLines(text []byte) error {
	if len(bytes.Trim(text, "\n")) == 0 {
		return errors.New("it is empty")
	}
	number := 0
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		number++
		switch {
		case len(line) > maxClearLine:
			return fmt.Errorf("line %d has %d bytes, more than %d", number, len(line), maxClearLine)
		case bytes.ContainsAny(line, "\r\x00"):
			return fmt.Errorf("line %d holds a carriage return or NUL", number)
		case len(bytes.TrimRight(line, " \t")) < len(line):
			return fmt.Errorf("line %d ends in blanks, which a signature does not cover", number)
		}
	}
	return nil
}

// writeCanonical writes the lines of text, which has no line end at its end, with the line ends that are signed: CRLF
// between lines. Writes to a digest do not fail.
func writeCanonical(w io.Writer, text []byte) {
	for i, line := range bytes.Split(text, []byte("\n")) {
		if i > 0 {
			_, _ = io.WriteString(w, "\r\n")
		}
		_, _ = w.Write(line)
	}
}

// encodeClearsigned puts text, as signableText returns it, and signature packets into one file.
func encodeClearsigned(text []byte, digests []string, signatures []byte) ([]byte, error) {
	armored, err := encodeArmor(armorSignature, signatures)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	fmt.Fprintf(&buf, "%s\nHash: %s\n\n", clearBegin, strings.Join(digests, ","))
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		if bytes.HasPrefix(line, []byte("-")) {
			buf.WriteString("- ")
		}
		buf.Write(line)
		buf.WriteByte('\n')
	}
	buf.Write(armored)
	return buf.Bytes(), nil
}

// A clearsigned is a clearsigned file, taken apart and not yet verified.
type clearsigned struct {
	text       []byte // with LF between its lines and none at the end
	digests    []string
	signatures []byte
}

// decodeClearsigned takes a file apart that is one clearsigned block and nothing else. It is as strict as files are
// made here, but for the Hash headers, of which there may be several or none, and CRLF line ends in the armor.
func decodeClearsigned(data []byte) (*clearsigned, error) {
	if len(data) > maxClearsigned {
		return nil, fmt.Errorf("more than %d bytes", maxClearsigned)
	}
	line, rest := cutLine(data)
	if string(line) != clearBegin {
		return nil, fmt.Errorf("it does not begin with %q", clearBegin)
	}
	c := &clearsigned{}
	for {
		if len(rest) == 0 {
			return nil, errors.New("it ends in its headers")
		}
		if line, rest = cutLine(rest); len(line) == 0 {
			break
		}
		names, ok := strings.CutPrefix(string(line), "Hash: ")
		if !ok {
			return nil, fmt.Errorf("a header that is not Hash: %q", printable(string(line)))
		}
		for name := range strings.SplitSeq(names, ",") {
			if name = strings.TrimSpace(name); !slices.Contains(c.digests, name) {
				c.digests = append(c.digests, name)
			}
		}
	}
	for number := 1; ; number++ {
		if len(rest) == 0 {
			return nil, errors.New("it has no signature")
		}
		if bytes.HasPrefix(rest, []byte(armorBegin+armorSignature+armorTail)) {
			break
		}
		line, rest = cutLine(rest)
		if unescaped, ok := bytes.CutPrefix(line, []byte("- ")); ok {
			line = unescaped
		} else if bytes.HasPrefix(line, []byte("-")) {
			return nil, fmt.Errorf("line %d of its text begins with a dash that is not escaped", number)
		}
		if number > 1 {
			c.text = append(c.text, '\n')
		}
		c.text = append(c.text, line...)
	}
	if err := checkLines(c.text); err != nil {
		return nil, fmt.Errorf("its text: %w", err)
	}
	var err error
	if c.signatures, rest, err = decodeArmor(armorSignature, rest); err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes after its end", len(rest))
	}
	return c, nil
}

// cutLine cuts data after its first LF, which is not part of the line.
func cutLine(data []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(data, []byte("\n"))
	return line, rest
}

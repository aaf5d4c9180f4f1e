package deb

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

const (
	arMagic      = "!<arch>\n"
	arHeaderSize = 60
	arHeaderEnd  = "`\n"
)

// arReader walks the members of an ar archive as deb(5) has them: names of up to 16 bytes in the header itself, no
// symbol table, no name table.
type arReader struct {
	r         *bufio.Reader
	name      string // of the current member
	remaining int64  // bytes of it not read yet
	pad       bool
	header    [arHeaderSize]byte
}

// newARReader reads the magic.
func newARReader(r *bufio.Reader) (*arReader, error) {
	var magic [len(arMagic)]byte
	if _, err := io.ReadFull(r, magic[:]); err != nil {
		if err = truncated(err); errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("not an ar archive: %w", err)
		}
		return nil, err // tells of where the file comes from, not of what it is
	}
	if string(magic[:]) != arMagic {
		return nil, fmt.Errorf("not an ar archive: begins with %q", magic)
	}
	return &arReader{r: r}, nil
}

// next goes to the next member, whose bytes Read gives then, and returns its name and size. It returns io.EOF after the
// last member; anything else that follows a member must be a whole header.
func (a *arReader) next() (string, int64, error) {
	if a.remaining != 0 {
		return "", 0, fmt.Errorf("member %s: %d bytes left unread", a.name, a.remaining)
	}
	if a.pad {
		var pad [1]byte
		if _, err := io.ReadFull(a.r, pad[:]); err != nil {
			return "", 0, fmt.Errorf("member %s: padding byte: %w", a.name, truncated(err))
		}
		if pad[0] != '\n' {
			return "", 0, fmt.Errorf("member %s: padded with the byte %#02x", a.name, pad[0])
		}
	}
	h := a.header[:]
	n, err := io.ReadFull(a.r, h)
	if errors.Is(err, io.EOF) && n == 0 {
		return "", 0, io.EOF
	}
	after := "the magic"
	if a.name != "" {
		after = "member " + a.name
	}
	if err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return "", 0, fmt.Errorf("after %s: %d bytes follow, too few for a member's header", after, n)
		}
		return "", 0, fmt.Errorf("after %s: %w", after, err)
	}
	if string(h[58:60]) != arHeaderEnd {
		return "", 0, fmt.Errorf("after %s: what follows is no ar header", after)
	}
	name, err := arName(h[:16])
	if err != nil {
		return "", 0, fmt.Errorf("after %s: %w", after, err)
	}
	size, err := strconv.ParseUint(string(bytes.TrimRight(h[48:58], " ")), 10, 63)
	if err != nil {
		return "", 0, fmt.Errorf("member %s: size %q is no decimal number", name, h[48:58])
	}
	a.name, a.remaining, a.pad = name, int64(size), size%2 == 1
	return name, a.remaining, nil
}

// Read reads from the current member; the end of the file before the member's end is an error.
func (a *arReader) Read(p []byte) (int, error) {
	if a.remaining == 0 {
		return 0, io.EOF
	}
	n, err := a.r.Read(p[:min(int64(len(p)), a.remaining)])
	a.remaining -= int64(n)
	return n, a.short(err)
}

// skip passes over the rest of the current member.
func (a *arReader) skip() error {
	for a.remaining > 0 {
		n, err := a.r.Discard(int(min(a.remaining, 1<<30)))
		a.remaining -= int64(n)
		if err := a.short(err); err != nil {
			return err
		}
	}
	return nil
}

// short words the end of the file as an error when it comes before the member's end.
func (a *arReader) short(err error) error {
	if !errors.Is(err, io.EOF) {
		return err
	}
	if a.remaining == 0 {
		return nil
	}
	return fmt.Errorf("%d bytes short of its size: %w", a.remaining, io.ErrUnexpectedEOF)
}

// arName unpads a member's name. A trailing slash is the GNU way to end one.
func arName(field []byte) (string, error) {
	name := bytes.TrimSuffix(bytes.TrimRight(field, " "), []byte("/"))
	if len(name) == 0 {
		return "", fmt.Errorf("member name %q is empty", field)
	}
	for _, c := range name {
		if c <= ' ' || c > '~' || c == '/' {
			return "", fmt.Errorf("member name %q holds the byte %#02x", name, c)
		}
	}
	return string(name), nil
}

// truncated gives the end of a file one name, whether nothing or too little was left.
func truncated(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

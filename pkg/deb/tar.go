package deb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The kinds of a tar entry that deb(5) knows, beside hard links, symbolic links, devices and pipes.
const (
	tarFile      = '0'
	tarDirectory = '5'
	tarLongName  = 'L' // the GNU way to name what follows
	tarLongLink  = 'K' // the GNU way to say where the link that follows points
)

const (
	tarBlock = 512
	// tarLongest bounds a long name in bytes: that of Linux, PATH_MAX.
	tarLongest = 4096
)

// errTarEnd is the error of an archive that stops in the middle.
var errTarEnd = errors.New("ends in the middle")

// tarEntry is one entry of a tar archive.
type tarEntry struct {
	name string // as it is spelled
	kind byte
	size int64 // bytes of contents; 0 for all but files
}

// tarReader walks the tar archives that deb(5) allows: those of tar 7, ustar, and the GNU long names. Whatever else there
// is is an error, as it is for dpkg. Most packages are small, and reading their headers is most of the work of reading
// them: so this takes no field that is not needed, and no memory but for names.
type tarReader struct {
	r     io.Reader
	left  int64 // bytes of the current entry's contents that follow
	pad   int64 // bytes after them to the end of a block
	block [tarBlock]byte
}

func (t *tarReader) reset(r io.Reader) { t.r, t.left, t.pad = r, 0, 0 }

// next goes to the next entry, whose contents Read gives then. After the last it returns io.EOF. An archive ends with a
// block of zeros, or where the file ends.
func (t *tarReader) next() (tarEntry, error) {
	long := ""
	for {
		if err := t.skip(t.left + t.pad); err != nil {
			return tarEntry{}, err
		}
		t.left, t.pad = 0, 0
		if _, err := io.ReadFull(t.r, t.block[:]); err != nil {
			if errors.Is(err, io.EOF) && long == "" {
				return tarEntry{}, io.EOF
			}
			return tarEntry{}, tarError(err)
		}
		if t.block == [tarBlock]byte{} {
			if long != "" {
				return tarEntry{}, errTarEnd
			}
			return tarEntry{}, io.EOF
		}
		e, err := t.entry()
		if err != nil {
			return tarEntry{}, err
		}
		switch e.kind {
		case tarLongName, tarLongLink:
			name, err := t.long()
			if err != nil {
				return tarEntry{}, err
			}
			if e.kind == tarLongName {
				long = name
			}
			continue
		}
		if long != "" {
			e.name = long
		}
		return e, nil
	}
}

// entry reads the header in the block.
func (t *tarReader) entry() (tarEntry, error) {
	b := &t.block
	if err := checkTarSum(b); err != nil {
		return tarEntry{}, err
	}
	e := tarEntry{name: tarText(b[:100]), kind: b[156]}
	if string(b[257:263]) == "ustar\x00" && b[345] != 0 {
		e.name = tarText(b[345:500]) + "/" + e.name
	}
	size, ok := tarNumber(b[124:136])
	if !ok {
		return tarEntry{}, fmt.Errorf("%q has the size %q", e.name, b[124:136])
	}
	switch e.kind {
	case 0: // of tar 7, which marks directories by their names
		if e.kind = tarFile; strings.HasSuffix(e.name, "/") {
			e.kind = tarDirectory
		}
	case '7': // a contiguous file, which is a file
		e.kind = tarFile
	case tarFile, '1', '2', '3', '4', tarDirectory, '6', tarLongName, tarLongLink:
	default:
		return tarEntry{}, fmt.Errorf("%q is of the kind %q, which packages cannot have (deb(5))", e.name, e.kind)
	}
	switch e.kind {
	case tarFile, tarLongName, tarLongLink:
		e.size, t.left = size, size
		t.pad = -size & (tarBlock - 1)
	}
	return e, nil
}

// long reads a long name.
func (t *tarReader) long() (string, error) {
	if t.left > tarLongest {
		return "", fmt.Errorf("a name of %d bytes is longer than the %d allowed", t.left, tarLongest)
	}
	name := make([]byte, t.left)
	if _, err := io.ReadFull(t, name); err != nil {
		return "", tarError(err)
	}
	return tarText(name), nil
}

// Read reads the contents of the current entry.
func (t *tarReader) Read(p []byte) (int, error) {
	if t.left == 0 {
		return 0, io.EOF
	}
	n, err := t.r.Read(p[:min(int64(len(p)), t.left)])
	if t.left -= int64(n); t.left == 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, tarError(err)
}

func (t *tarReader) skip(n int64) error {
	for n > 0 {
		read, err := t.r.Read(t.block[:min(n, tarBlock)])
		if n -= int64(read); err != nil && n > 0 {
			return tarError(err)
		}
	}
	return nil
}

// tarError words the end of the stream within an archive.
func tarError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %w", errTarEnd, io.ErrUnexpectedEOF)
	}
	return err
}

// checkTarSum compares the sum of a header's bytes, its own field taken for blanks, with what it says.
func checkTarSum(b *[tarBlock]byte) error {
	want, ok := tarNumber(b[148:156])
	// Eight bytes at a time, in four sums of 16 bits, none of which can overflow: half of all the work on a header is this.
	const low = 0x00ff00ff00ff00ff
	var sums uint64
	for i := 0; i < tarBlock; i += 8 {
		if i == 144 || i == 152 { // the field lies across two words
			continue
		}
		word := binary.LittleEndian.Uint64(b[i:])
		sums += word&low + word>>8&low
	}
	sum := int64(8*' ') + int64(sums&0xffff+sums>>16&0xffff+sums>>32&0xffff+sums>>48)
	for _, around := range [][]byte{b[144:148], b[156:160]} {
		for _, c := range around {
			sum += int64(c)
		}
	}
	if !ok || want != sum {
		return errors.New("what should be a header is none")
	}
	return nil
}

// tarText is a field of text, up to the NUL that may end it.
func tarText(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// tarNumber reads a field of octal digits, which blanks and NULs may surround, or the GNU form for large numbers.
func tarNumber(b []byte) (int64, bool) {
	if b[0]&0x80 != 0 {
		n := int64(b[0] & 0x3f)
		if b[0]&0x40 != 0 { // negative
			return 0, false
		}
		for _, c := range b[1:] {
			if n >= 1<<54 {
				return 0, false
			}
			n = n<<8 | int64(c)
		}
		return n, true
	}
	for len(b) > 0 && (b[0] == ' ' || b[0] == 0) {
		b = b[1:]
	}
	n := int64(0)
	for i, c := range b {
		if c == ' ' || c == 0 {
			for _, rest := range b[i:] {
				if rest != ' ' && rest != 0 {
					return 0, false
				}
			}
			break
		}
		if c < '0' || c > '7' || n >= 1<<58 {
			return 0, false
		}
		n = n<<3 | int64(c-'0')
	}
	return n, true
}

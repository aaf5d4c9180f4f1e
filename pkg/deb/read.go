package deb

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"kubedist/pkg/deb822"
)

// Info is what reading a package tells about it.
type Info struct {
	Package      string // checked by CheckName
	Version      string // checked by ParseVersion
	Architecture string // checked by CheckArchitecture
	Control      deb822.Stanza
	Conffiles    []string // as the control member lists them; nil when it has no list
	Files        []string // that the package installs, where they were asked for; see [ReadFiles]
	Size         int64    // bytes of the whole file
	SHA256       [sha256.Size]byte
}

// Read reads a whole package from r, in one pass, up to the end of r. It fails when the file is not laid out as deb(5)
// says (the error names the member), when the control paragraph lacks a field that Policy 5.3 makes mandatory or holds a
// name, version or architecture that Policy 5.6 does not allow, when the first program that it packs is for another
// machine than its architecture, and when something exceeds limits. An interrupted ctx ends it with ctx's error.
func Read(ctx context.Context, r io.Reader, limits Limits) (*Info, error) {
	return new(Reader).Read(ctx, r, limits)
}

// Reader reads package after package in the same buffers, which is most of the work where packages are small. The zero
// value is ready for use; it is not safe for concurrent use.
type Reader struct {
	buffer *bufio.Reader
	hash   hash.Hash
	decoders
}

// readBuffer is how many bytes are read, hashed and, by some callers, written at once: few enough to stay in the
// processor's cache from the one to the next.
const readBuffer = 128 << 10

// Read is [Read] in the reader's buffers. Nothing of what it returns lies there.
func (p *Reader) Read(ctx context.Context, r io.Reader, limits Limits) (*Info, error) {
	return p.read(ctx, r, limits, p.readProgram)
}

// dataReader looks into the data member. It need not read it to its end.
type dataReader func(r io.Reader, compression string, info *Info, limits Limits) error

func (p *Reader) read(ctx context.Context, r io.Reader, limits Limits, data dataReader) (*Info, error) {
	limits = limits.withDefaults()
	if p.buffer == nil {
		p.buffer, p.hash = bufio.NewReaderSize(nil, readBuffer), sha256.New()
	}
	p.hash.Reset()
	src := &meter{ctx: ctx, r: r, hash: p.hash, left: limits.File, limit: limits.File}
	p.buffer.Reset(src)
	ar, err := newARReader(p.buffer)
	if err != nil {
		return nil, err
	}
	info := &Info{}
	if err := p.readMembers(ar, info, limits, data); err != nil {
		return nil, err
	}
	if err := info.check(); err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	info.Size = limits.File - src.left
	src.hash.Sum(info.SHA256[:0])
	return info, nil
}

// readMembers walks the file. The first three members have fixed places; members whose names begin with an underscore
// are for others (signatures) and may stand anywhere after the first, as deb(5) reserves them.
func (p *Reader) readMembers(ar *arReader, info *Info, limits Limits, data dataReader) error {
	if err := readFormat(ar); err != nil {
		return err
	}
	wanted := []string{"control.tar", "data.tar"}
	for {
		name, size, err := ar.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		stem, compression, known := tarMember(name)
		switch {
		case strings.HasPrefix(name, "_"):
		case len(wanted) == 0:
			return fmt.Errorf("member %s: nothing may follow data.tar but names that begin with _", name)
		case stem != wanted[0]:
			return fmt.Errorf("member %s: found where %s belongs", name, wanted[0])
		case !known:
			return fmt.Errorf("member %s: unknown compression", name)
		case stem == "control.tar":
			wanted = wanted[1:]
			if size > limits.Packed {
				return fmt.Errorf("member %s: %d bytes are more than the %d allowed", name, size, limits.Packed)
			}
			if err := p.readControl(ar, compression, info, limits); err != nil {
				return fmt.Errorf("member %s: %w", name, err)
			}
		default:
			wanted = wanted[1:]
			if err := data(ar, compression, info, limits); err != nil {
				return fmt.Errorf("member %s: %w", name, err)
			}
		}
		if err := ar.skip(); err != nil {
			return fmt.Errorf("member %s: %w", name, err)
		}
	}
	if len(wanted) > 0 {
		return fmt.Errorf("member %s: missing", wanted[0])
	}
	return nil
}

// readFormat reads the member debian-binary, which must come first. Its text is the format's version and a line end;
// only the major number decides, and later lines are for later formats.
func readFormat(ar *arReader) error {
	name, size, err := ar.next()
	if errors.Is(err, io.EOF) {
		return errors.New("member debian-binary: missing")
	}
	if err != nil {
		return err
	}
	if name != "debian-binary" {
		return fmt.Errorf("member %s: found where debian-binary belongs", name)
	}
	if size > 64 {
		return fmt.Errorf("member %s: %d bytes are too many for a format version", name, size)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(ar, text); err != nil {
		return err
	}
	version, _, found := bytes.Cut(text, []byte("\n"))
	if major, _, _ := bytes.Cut(version, []byte(".")); !found || string(major) != "2" {
		return fmt.Errorf("member %s: format version %q is not 2.0", name, text)
	}
	return nil
}

// tarMember splits control.tar.zst into its stem and compression ("" for none). known tells whether deb(5) lists the
// compression for that stem.
func tarMember(name string) (stem, compression string, known bool) {
	before, after, found := strings.Cut(name, ".tar")
	if !found {
		return name, "", false
	}
	stem = before + ".tar"
	switch after {
	case "", ".gz", ".xz", ".zst":
		return stem, strings.TrimPrefix(after, "."), true
	case ".bz2", ".lzma":
		return stem, strings.TrimPrefix(after, "."), stem == "data.tar"
	}
	return stem, after, false
}

// check takes the fields an archive relies on from the control paragraph and checks them.
func (p *Info) check() error {
	for _, field := range []string{"Package", "Version", "Architecture", "Maintainer", "Description"} {
		if strings.TrimSpace(p.Control.Get(field)) == "" {
			return fmt.Errorf("mandatory field %s is missing (Policy 5.3)", field)
		}
	}
	p.Package, p.Version, p.Architecture = p.Control.Get("Package"), p.Control.Get("Version"), p.Control.Get("Architecture")
	if n := len(Name(p)); n > maxFileName { // first, so that no error quotes more than that
		return fmt.Errorf("name, version and architecture: %d bytes make too long a file name", n)
	}
	if err := CheckName(p.Package); err != nil {
		return err
	}
	if _, err := ParseVersion(p.Version); err != nil {
		return err
	}
	return CheckArchitecture(p.Architecture)
}

// meter hashes and counts what is read through it, and watches ctx.
type meter struct {
	ctx   context.Context
	r     io.Reader
	hash  hash.Hash
	left  int64
	limit int64
}

func (m *meter) Read(p []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.r.Read(p)
	if int64(n) > m.left {
		return 0, fmt.Errorf("file: more than the %d bytes allowed", m.limit)
	}
	m.left -= int64(n)
	m.hash.Write(p[:n])
	return n, err
}

package bindiff

import (
	"bytes"
	"cmp"
	"context"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"fmt"
	"io"
)

// maxSections bounds the sections of a program; those of Go have 30.
const maxSections = 1 << 12

// stretch is a section and where in the file its bytes are.
type stretch struct {
	name         string
	offset, size int64
}

// layout is how a program says that it is divided.
type layout struct {
	format   string
	sections []stretch
}

// readLayout reads the section headers. The bytes of the sections, which may be compressed, are left alone.
func readLayout(r *io.SectionReader) (l *layout, err error) {
	defer guard(&err)
	var magic [4]byte
	if _, err := r.ReadAt(magic[:], 0); err != nil {
		return nil, fmt.Errorf("first bytes: %w", err)
	}
	switch {
	case string(magic[:]) == elf.ELFMAG:
		l, err = readELF(r)
	case string(magic[:2]) == "MZ":
		l, err = readPE(r)
	default:
		l, err = readMachO(r)
	}
	if err != nil {
		return nil, err
	}
	if len(l.sections) > maxSections {
		return nil, fmt.Errorf("more than %d sections", maxSections)
	}
	// Two sections of one name are told apart by their number.
	times := map[string]int{}
	for i := range l.sections {
		s := &l.sections[i]
		if s.offset < 0 || s.size < 0 || s.offset > r.Size() || s.size > r.Size()-s.offset {
			return nil, fmt.Errorf("section %.80q lies outside of the file", s.name)
		}
		if times[s.name]++; times[s.name] > 1 {
			s.name = fmt.Sprintf("%s (%d)", s.name, times[s.name])
		}
	}
	return l, nil
}

func readELF(r io.ReaderAt) (*layout, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, err
	}
	l := &layout{format: "ELF " + f.Machine.String()}
	for _, s := range f.Sections {
		if s.Type != elf.SHT_NOBITS && s.Type != elf.SHT_NULL {
			l.sections = append(l.sections, stretch{s.Name, int64(s.Offset), int64(s.FileSize)})
		}
	}
	return l, nil
}

func readPE(r io.ReaderAt) (*layout, error) {
	f, err := pe.NewFile(r)
	if err != nil {
		return nil, err
	}
	l := &layout{format: fmt.Sprintf("PE %#x", f.Machine)}
	for _, s := range f.Sections {
		if s.Offset != 0 {
			l.sections = append(l.sections, stretch{s.Name, int64(s.Offset), int64(s.Size)})
		}
	}
	return l, nil
}

func readMachO(r io.ReaderAt) (*layout, error) {
	f, err := macho.NewFile(r)
	if err != nil {
		return nil, fmt.Errorf("neither ELF nor PE nor Mach-O: %w", err)
	}
	l := &layout{format: "Mach-O " + f.Cpu.String()}
	for _, s := range f.Sections {
		// The type is in the low byte of the flags; S_ZEROFILL, 1, has no bytes in the file (mach-o/loader.h).
		if s.Flags&0xff != 1 {
			l.sections = append(l.sections, stretch{s.Seg + "," + s.Name, int64(s.Offset), int64(s.Size)})
		}
	}
	return l, nil
}

// sections notes the sections that differ.
func (d *Difference) sections(ctx context.Context, p [2]*program) error {
	var layouts [2]*layout
	for i := range p {
		l, err := readLayout(p[i].SectionReader)
		if err != nil {
			d.note("%s: sections: %v", p[i].name, err)
			return nil
		}
		layouts[i] = l
	}
	if a, b := layouts[0].format, layouts[1].format; a != b {
		d.note("the programs are for different machines: %s and %s", a, b)
		return nil
	}
	second := map[string]stretch{}
	for _, s := range layouts[1].sections {
		second[s.name] = s
	}
	// Sections that overlap could make a small file long to compare.
	budget := 2 * (p[0].Size() + p[1].Size())
	for _, a := range layouts[0].sections {
		b, ok := second[a.name]
		delete(second, a.name)
		if !ok {
			d.Sections = append(d.Sections, Section{Name: a.name, Sizes: [2]int64{a.size, -1}, Offset: -1, FileOffsets: [2]int64{a.offset, -1}})
			continue
		}
		if budget -= a.size + b.size; budget < 0 {
			d.note("sections overlap: those from %.80q on were not compared", a.name)
			return nil
		}
		if err := d.section(ctx, p, a, b); err != nil {
			return err
		}
	}
	for _, b := range layouts[1].sections {
		if _, left := second[b.name]; left {
			d.Sections = append(d.Sections, Section{Name: b.name, Sizes: [2]int64{-1, b.size}, Offset: -1, FileOffsets: [2]int64{-1, b.offset}})
		}
	}
	return nil
}

// section compares the bytes of a section that both programs have.
func (d *Difference) section(ctx context.Context, p [2]*program, a, b stretch) error {
	at, err := firstDifference(ctx, io.NewSectionReader(p[0], a.offset, a.size), io.NewSectionReader(p[1], b.offset, b.size))
	if err != nil || at < 0 {
		return err
	}
	s := Section{Name: a.name, Sizes: [2]int64{a.size, b.size}, Offset: at, FileOffsets: [2]int64{a.offset + at, b.offset + at}}
	for i, x := range []stretch{a, b} {
		s.Texts[i] = around(io.NewSectionReader(p[i], x.offset, x.size), at)
	}
	d.Sections = append(d.Sections, s)
	return nil
}

// chunk is what is compared at a time.
const chunk = 64 << 10

// firstDifference returns where a and b begin to differ: where the shorter ends if that is all, -1 when they are equal.
func firstDifference(ctx context.Context, a, b *io.SectionReader) (int64, error) {
	var x, y [chunk]byte
	common := min(a.Size(), b.Size())
	for at := int64(0); at < common; at += chunk {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n := min(chunk, common-at)
		if err := cmp.Or(readAll(a, x[:n], at), readAll(b, y[:n], at)); err != nil {
			return 0, err
		}
		if !bytes.Equal(x[:n], y[:n]) {
			i := int64(0)
			for x[i] == y[i] {
				i++
			}
			return at + i, nil
		}
	}
	if a.Size() == b.Size() {
		return -1, nil
	}
	return common, nil
}

// readAll fills p from offset on. A file that has become shorter is an error.
func readAll(r io.ReaderAt, p []byte, offset int64) error {
	n, err := r.ReadAt(p, offset)
	if n == len(p) {
		return nil
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// reach is how far around a byte text is looked for, in bytes each way; shortest is the least that is called text.
const (
	reach    = 40
	shortest = 6
)

// around returns the printable ASCII that the byte at offset is part of, as far as reach; empty where there is hardly any.
func around(r *io.SectionReader, offset int64) string {
	from := max(0, offset-reach)
	var buffer [2 * reach]byte
	n, err := r.ReadAt(buffer[:], from)
	at := int(offset - from)
	if err != nil && err != io.EOF || at >= n {
		return ""
	}
	printable := func(c byte) bool { return c >= ' ' && c <= '~' }
	first, end := at, at
	for first > 0 && printable(buffer[first-1]) {
		first--
	}
	for end < n && printable(buffer[end]) {
		end++
	}
	if end == at || end-first < shortest {
		return ""
	}
	return string(buffer[first:end])
}

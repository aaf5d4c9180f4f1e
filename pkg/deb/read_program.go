package deb

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"kubedist/pkg/hint"
)

// How much of a data member is looked into for a program. A package's first program comes after little else than
// directories and configuration, so that this is plenty; a package without one costs no more than this either.
const (
	programPacked   = 256 << 10 // bytes as stored
	programUnpacked = 4 << 20
)

// A machine is what an ELF header says a program runs on.
type machine struct {
	class elf.Class
	order elf.Data
	id    elf.Machine
}

func (m machine) String() string {
	bits, order := "32-bit", "little-endian"
	if m.class == elf.ELFCLASS64 {
		bits = "64-bit"
	}
	if m.order == elf.ELFDATA2MSB {
		order = "big-endian"
	}
	return fmt.Sprintf("%v (%s, %s)", m.id, bits, order)
}

// machineOf returns the machine that Debian's architecture of that name is for. It does not know "all", for which any
// machine will do, nor architectures that Debian does not release or port to any more.
func machineOf(architecture string) (m machine, known bool) {
	switch architecture {
	case "amd64":
		m = machine{elf.ELFCLASS64, elf.ELFDATA2LSB, elf.EM_X86_64}
	case "arm64":
		m = machine{elf.ELFCLASS64, elf.ELFDATA2LSB, elf.EM_AARCH64}
	case "armhf", "armel":
		m = machine{elf.ELFCLASS32, elf.ELFDATA2LSB, elf.EM_ARM}
	case "i386":
		m = machine{elf.ELFCLASS32, elf.ELFDATA2LSB, elf.EM_386}
	case "loong64":
		m = machine{elf.ELFCLASS64, elf.ELFDATA2LSB, elf.EM_LOONGARCH}
	case "mips64el":
		m = machine{elf.ELFCLASS64, elf.ELFDATA2LSB, elf.EM_MIPS}
	case "ppc64el":
		m = machine{elf.ELFCLASS64, elf.ELFDATA2LSB, elf.EM_PPC64}
	case "riscv64":
		m = machine{elf.ELFCLASS64, elf.ELFDATA2LSB, elf.EM_RISCV}
	case "s390x":
		m = machine{elf.ELFCLASS64, elf.ELFDATA2MSB, elf.EM_S390}
	}
	return m, m.id != elf.EM_NONE
}

// readProgram looks into the start of the data member for the first program or library, and refuses one for another
// machine than the architecture's. It reads at most programPacked bytes of r and keeps them; what it does not find there
// it does not miss. Damage that it meets on the way is an error. It looks into no package whose architecture it does not
// know, and no compression that dpkg has given up (bzip2, lzma).
func (p *decoders) readProgram(r io.Reader, compression string, info *Info, limits Limits) error {
	architecture := info.Control.Get("Architecture")
	want, known := machineOf(architecture)
	if !known || compression == "bz2" || compression == "lzma" {
		return nil
	}
	p.packed.Reset()
	if _, err := p.packed.ReadFrom(io.LimitReader(r, programPacked)); err != nil {
		return err
	}
	plain, err := p.unpackStart(p.packed.Bytes(), compression, limits)
	if err == nil {
		p.tar.reset(&window{r: plain, left: programUnpacked})
		err = checkProgram(&p.tar, architecture, want)
	}
	if errors.Is(err, errWindowEnd) || errors.Is(err, errXZBeyond) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
		return nil
	}
	return err
}

// checkProgram compares the first ELF program or library of a tar archive with the machine of the architecture.
func checkProgram(entries *tarReader, architecture string, want machine) error {
	for {
		h, err := entries.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("tar: %w", err)
		}
		if h.kind != tarFile {
			continue
		}
		if found, err := checkEntry(entries, h.name, h.size, architecture, want); found || err != nil {
			return err
		}
	}
}

// checkEntry compares one file of a tar archive with the machine of the architecture, and reports whether it is a program
// or library.
func checkEntry(r io.Reader, name string, size int64, architecture string, want machine) (found bool, err error) {
	var header [20]byte // up to and with e_machine
	if _, err := io.ReadFull(r, header[:]); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && size < int64(len(header)) {
			return false, nil
		}
		return false, fmt.Errorf("tar: %s: %w", name, err)
	}
	got, found := programMachine(header)
	if found && got != want {
		return true, hint.Errorf("put programs for "+architecture+" into the package, or correct Architecture in its control paragraph",
			"%s is for %s, architecture %s needs %s", name, got, architecture, want)
	}
	return found, nil
}

// programMachine reads the start of an ELF header (System V ABI, ELF header). Object files are no programs: those for
// the kernel's BPF machine lie in packages of any architecture.
func programMachine(header [20]byte) (machine, bool) {
	m := machine{class: elf.Class(header[elf.EI_CLASS]), order: elf.Data(header[elf.EI_DATA])}
	var order binary.ByteOrder = binary.LittleEndian
	if m.order == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	m.id = elf.Machine(order.Uint16(header[18:]))
	kind := elf.Type(order.Uint16(header[16:]))
	return m, string(header[:4]) == elf.ELFMAG && (kind == elf.ET_EXEC || kind == elf.ET_DYN)
}

// unpackStart gives the plain bytes of a stream of which no more than start may be known. Reading past what is known
// ends with errWindowEnd.
func (p *decoders) unpackStart(start []byte, compression string, limits Limits) (io.Reader, error) {
	whole := len(start) < programPacked
	packed := io.Reader(bytes.NewReader(start))
	if !whole {
		packed = &window{r: packed, left: programPacked}
	}
	if compression != "xz" {
		return p.unpack(packed, compression, limits)
	}
	plain, err := xz.ReaderConfig{SingleStream: true}.NewReader(packed) // reads no further than the stream's header
	if err != nil {
		return nil, fmt.Errorf("xz: %w", truncated(err))
	}
	// Blocks whose headers are past the start are never reached.
	if err := fitXZ(start, limits.Dictionary); err != nil && (whole || !errors.Is(err, errXZShort)) {
		return nil, fmt.Errorf("xz: %w", err)
	}
	return plain, nil
}

// errWindowEnd says that there is more, which is not looked at.
var errWindowEnd = errors.New("end of what is looked at")

// window is the start of a stream.
type window struct {
	r    io.Reader
	left int64
}

func (w *window) Read(p []byte) (int, error) {
	if w.left == 0 {
		return 0, errWindowEnd
	}
	n, err := w.r.Read(p[:min(int64(len(p)), w.left)])
	w.left -= int64(n)
	return n, err
}

// Package buildtest stands in for C compilers in tests, which shall not depend on those of the machine. What it makes has the
// ELF header of a static program for some platform, and after that what it was made from; it does not run.
package buildtest

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"kubedist/pkg/platform"
)

// Flag is the first argument by which a test's program knows that it is to be a compiler: its TestMain calls CC with what
// follows.
const Flag = "-c-compiler"

// Environ returns the variables that bring program, with arguments of its own before Flag, as the C compiler for every
// Linux platform of the list.
func Environ(program string, platforms []platform.Platform) []string {
	var list []string
	for _, p := range platforms {
		if p.ID.OS == "linux" && p.ELF != nil {
			list = append(list, fmt.Sprintf("CC_linux_%s=%s %s %d/%s/%s", p.ID.Arch, program, Flag, p.ELF.Class, p.ELF.Order, p.ELF.Machine))
		}
	}
	return list
}

// CC compiles: args are CLASS/ORDER/MACHINE and what compilers take, of which it knows "-o FILE" and names that end in .c. A
// file that has a line "#error" is an error. It returns the exit status.
func CC(args []string, stderr io.Writer) int {
	if err := compile(args); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

func compile(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("no machine")
	}
	var program bytes.Buffer
	if err := header(&program, args[0]); err != nil {
		return err
	}
	out := ""
	for i, arg := range args[1:] {
		switch {
		case arg == "-o" && i+2 < len(args):
			out = args[i+2]
		case strings.HasSuffix(arg, ".c"):
			text, err := os.ReadFile(arg)
			if err != nil {
				return err
			}
			if slices.Contains(strings.Split(string(text), "\n"), "#error") {
				return fmt.Errorf("%s: error: #error", arg)
			}
			fmt.Fprintf(&program, "%s\n%s\n", arg, text)
		case strings.HasPrefix(arg, "-D"):
			fmt.Fprintln(&program, arg)
		}
	}
	return os.WriteFile(out, program.Bytes(), 0o755)
}

// header writes an ELF header without sections and segments.
func header(w io.Writer, machine string) error {
	class, rest, _ := strings.Cut(machine, "/")
	endian, name, _ := strings.Cut(rest, "/")
	number := elf.Machine(0)
	for number.String() != name {
		if number++; number == 1<<10 {
			return fmt.Errorf("machine %q: unknown", machine)
		}
	}
	var order binary.ByteOrder = binary.LittleEndian
	data := elf.ELFDATA2LSB
	if endian == "big" {
		order, data = binary.BigEndian, elf.ELFDATA2MSB
	}
	ident := [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(data), byte(elf.EV_CURRENT)}
	if class == "32" {
		ident[elf.EI_CLASS] = byte(elf.ELFCLASS32)
		return binary.Write(w, order, elf.Header32{Ident: ident, Type: uint16(elf.ET_EXEC), Machine: uint16(number), Version: uint32(elf.EV_CURRENT), Ehsize: 52})
	}
	return binary.Write(w, order, elf.Header64{Ident: ident, Type: uint16(elf.ET_EXEC), Machine: uint16(number), Version: uint32(elf.EV_CURRENT), Ehsize: 64})
}

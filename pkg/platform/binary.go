package platform

import (
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"fmt"
	"os"
	"strings"
)

// ELF is what the header of a binary says about the machine that it is for (System V ABI, ELF header e_ident and
// e_machine).
type ELF struct {
	Class   int    `yaml:"class" jsonschema:"enum=32,enum=64,description=word size in bits"`
	Order   string `yaml:"order" jsonschema:"enum=little,enum=big,description=byte order"`
	Machine string `yaml:"machine" jsonschema:"description=e_machine by its name: EM_X86_64"`
}

// CheckBinary reports whether the program at path is one for p: an ELF file of p's class, byte order and machine on
// Linux, a Mach-O or PE file of its architecture elsewhere. A nil error means that it is.
func (p Platform) CheckBinary(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	switch p.ID.OS {
	case "darwin":
		return p.checkMachO(f)
	case "windows":
		return p.checkPE(f)
	}
	return p.checkELF(f)
}

func (p Platform) checkELF(f *os.File) error {
	file, err := elf.NewFile(f)
	if err != nil {
		return fmt.Errorf("%s: no ELF file: %w", f.Name(), err)
	}
	defer file.Close()
	if p.ELF == nil {
		return nil
	}
	got := ELF{Class: 32, Order: "little", Machine: file.Machine.String()}
	if file.Class == elf.ELFCLASS64 {
		got.Class = 64
	}
	if file.Data == elf.ELFDATA2MSB {
		got.Order = "big"
	}
	if got != *p.ELF {
		return fmt.Errorf("%s: is for %s (%d bit, %s endian), %s needs %s (%d bit, %s endian)", f.Name(),
			got.Machine, got.Class, got.Order, p.ID, p.ELF.Machine, p.ELF.Class, p.ELF.Order)
	}
	return nil
}

// CheckStatic reports whether the ELF file at path is a program that nothing else has to be there for: neither a program
// interpreter nor a library (System V ABI, PT_INTERP and DT_NEEDED). A nil error means that it is.
func CheckStatic(path string) error {
	file, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("%s: no ELF file: %w", path, err)
	}
	defer file.Close()
	if file.Type != elf.ET_EXEC && file.Type != elf.ET_DYN {
		return fmt.Errorf("%s: is no program (%s)", path, file.Type)
	}
	for _, s := range file.Progs {
		if s.Type == elf.PT_INTERP {
			return fmt.Errorf("%s: is not static: it names a program interpreter", path)
		}
	}
	libraries, err := file.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(libraries) > 0 {
		return fmt.Errorf("%s: is not static: it needs %s", path, strings.Join(libraries, ", "))
	}
	return nil
}

func (p Platform) checkMachO(f *os.File) error {
	file, err := macho.NewFile(f)
	if err != nil {
		return fmt.Errorf("%s: no Mach-O file: %w", f.Name(), err)
	}
	defer file.Close()
	want := map[string]macho.Cpu{"amd64": macho.CpuAmd64, "arm64": macho.CpuArm64}[p.ID.Arch]
	if file.Cpu != want {
		return fmt.Errorf("%s: is for %v, not for %s", f.Name(), file.Cpu, p.ID)
	}
	return nil
}

func (p Platform) checkPE(f *os.File) error {
	file, err := pe.NewFile(f)
	if err != nil {
		return fmt.Errorf("%s: no PE file: %w", f.Name(), err)
	}
	defer file.Close()
	want := map[string]uint16{"386": pe.IMAGE_FILE_MACHINE_I386, "amd64": pe.IMAGE_FILE_MACHINE_AMD64, "arm64": pe.IMAGE_FILE_MACHINE_ARM64}[p.ID.Arch]
	if file.Machine != want {
		return fmt.Errorf("%s: is for PE machine %#x, not for %s", f.Name(), file.Machine, p.ID)
	}
	return nil
}

// Package platform knows what a platform is called by everyone who has a name for it: Go, OCI, Debian, ELF, the C tool
// chain and QEMU. It does not know which platforms exist: those are data, in specs/platforms.yaml.
package platform

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
)

// ID names a platform the way OCI image indices do: operating system, architecture in Go's spelling, and a variant
// where the architecture has incompatible ones.
type ID struct {
	OS      string
	Arch    string
	Variant string // "v7" of linux/arm/v7; empty for most
}

var idPart = regexp.MustCompile(`^[a-z0-9]+$`)

// variables names the environment variable that tells the go command which variant of an architecture to compile for.
var variables = map[string]string{"arm": "GOARM", "amd64": "GOAMD64", "arm64": "GOARM64", "ppc64le": "GOPPC64", "riscv64": "GORISCV64", "386": "GO386"}

// Parse reads OS/ARCH or OS/ARCH/VARIANT.
func Parse(s string) (ID, error) {
	parts := strings.Split(s, "/")
	if len(parts) < 2 || len(parts) > 3 {
		return ID{}, fmt.Errorf("platform %q: not of the form OS/ARCH or OS/ARCH/VARIANT", s)
	}
	for _, part := range parts {
		if !idPart.MatchString(part) {
			return ID{}, fmt.Errorf("platform %q: %q is not a lower-case name", s, part)
		}
	}
	id := ID{OS: parts[0], Arch: parts[1]}
	if len(parts) == 3 {
		id.Variant = parts[2]
		if variables[id.Arch] == "" {
			return ID{}, fmt.Errorf("platform %q: architecture %s has no variants", s, id.Arch)
		}
	}
	return id, nil
}

// String is the inverse of Parse.
func (id ID) String() string {
	if id.Variant == "" {
		return id.OS + "/" + id.Arch
	}
	return id.OS + "/" + id.Arch + "/" + id.Variant
}

// UnmarshalText reads the form that Parse takes.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err == nil {
		*id = parsed
	}
	return err
}

// MarshalText writes the form that Parse takes.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// Env returns the variables that make the go command compile for id, sorted by name as they are given: GOOS and GOARCH,
// and one such as GOARM=7 where id has a variant. (GOARM and the 386 take the bare value, the others the variant as it
// is: GOAMD64=v3.)
func (id ID) Env() []string {
	env := []string{"GOARCH=" + id.Arch, "GOOS=" + id.OS}
	if id.Variant == "" {
		return env
	}
	value := id.Variant
	switch id.Arch {
	case "arm":
		value = strings.TrimPrefix(value, "v")
	case "ppc64le":
		value = strings.Replace(value, "v", "power", 1)
	}
	return append(env, variables[id.Arch]+"="+value)
}

// Dir is the path of a platform's files below a directory of all platforms: linux/armv7.
func (id ID) Dir() string { return id.OS + "/" + id.Arch + id.Variant }

// Executable returns the file name of the program called name.
func (id ID) Executable(name string) string {
	if id.OS == "windows" {
		return name + ".exe"
	}
	return name
}

// Compare orders platforms by operating system, architecture and variant.
func Compare(a, b ID) int {
	return cmp.Or(cmp.Compare(a.OS, b.OS), cmp.Compare(a.Arch, b.Arch), cmp.Compare(a.Variant, b.Variant))
}

// Platform is a platform with the names that others have for it. Names that do not apply are empty.
type Platform struct {
	ID      ID     `yaml:"platform" jsonschema:"type=string,description=OS/ARCH or OS/ARCH/VARIANT in Go's and OCI's spelling"`
	Debian  string `yaml:"debian,omitempty" jsonschema:"description=Debian's name of the architecture; without it there are no packages for the platform"`
	ELF     *ELF   `yaml:"elf,omitempty" jsonschema:"description=what the header of every binary must say"`
	Triplet string `yaml:"triplet,omitempty" jsonschema:"description=the C tool chain's triplet: prefix of its cross compiler"`
	QEMU    string `yaml:"qemu,omitempty" jsonschema:"description=the NAME of qemu-NAME-static that runs its programs elsewhere"`
}

func (p Platform) String() string { return p.ID.String() }

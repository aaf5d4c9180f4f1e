package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Toolchain is a C tool chain: a root of Debian packages that programs with cgo are compiled in. People write all of it
// but Locked, which `kubedist toolchain lock` makes of the rest.
type Toolchain struct {
	Suite        string    `yaml:"suite" jsonschema:"description=codename of the Debian release"`
	Architecture string    `yaml:"architecture" jsonschema:"description=Debian architecture of the machine that compiles"`
	Packages     []string  `yaml:"packages" jsonschema:"minItems=1,description=packages that are asked for; what they depend on comes along"`
	Without      []LeftOut `yaml:"without,omitempty" jsonschema:"description=packages that others depend on and compiling does not need"`
	Exclude      []LeftOut `yaml:"exclude,omitempty" jsonschema:"description=files and directories that are not unpacked"`
	Links        []Symlink `yaml:"links,omitempty" jsonschema:"description=symbolic links that scripts of the packages would make"`
	Directories  []string  `yaml:"directories,omitempty" jsonschema:"description=directories that no package has: others are mounted there"`
	Locked       []Locked  `yaml:"locked,omitempty" jsonschema:"description=the packages to unpack: sorted by name"`
}

// LeftOut is what a root does without, by patterns as path.Match has them.
type LeftOut struct {
	Match []string `yaml:"match" jsonschema:"minItems=1,description=patterns of names or of paths without a slash at their beginning"`
	Why   string   `yaml:"why" jsonschema:"description=why nothing misses it"`
}

// Symlink is a symbolic link in a root.
type Symlink struct {
	Path string `yaml:"path" jsonschema:"description=where it is: a path without a slash at its beginning"`
	To   string `yaml:"to" jsonschema:"description=where it leads"`
}

// Locked is one package of a root, and where every mirror of the suite has it.
type Locked struct {
	Package      string `yaml:"package"`
	Version      string `yaml:"version"`
	Architecture string `yaml:"architecture"`
	Path         string `yaml:"path" jsonschema:"description=below the mirror's URL"`
	Size         int64  `yaml:"size" jsonschema:"description=bytes"`
	SHA256       string `yaml:"sha256" jsonschema:"description=64 lower-case hexadecimal digits"`
}

// Toolchain returns the C tool chain of a Debian suite.
func (s *Spec) Toolchain(suite string) (Toolchain, bool) {
	return find(s.Toolchains, func(t Toolchain) bool { return t.Suite == suite })
}

// Lacks reports whether a package is left out although others depend on it.
func (t Toolchain) Lacks(name string) bool { return matches(t.Without, name) }

// Excludes reports whether a file of a package is left out. The path has no slash at its beginning or end. What lies in a
// directory that is left out is left out too.
func (t Toolchain) Excludes(name string) bool { return excludes(t.Exclude, name) }

func excludes(list []LeftOut, name string) bool {
	for at := name; at != "." && at != "/"; at = path.Dir(at) {
		if matches(list, at) {
			return true
		}
	}
	return false
}

func matches(list []LeftOut, name string) bool {
	return slices.ContainsFunc(list, func(l LeftOut) bool {
		return slices.ContainsFunc(l.Match, func(pattern string) bool {
			ok, err := path.Match(pattern, name)
			return ok && err == nil // patterns were checked when they were loaded
		})
	})
}

// Unlocked returns the packages that are asked for and that the lock does not have.
func (t Toolchain) Unlocked() []string {
	return slices.DeleteFunc(slices.Clone(t.Packages), func(name string) bool {
		return slices.ContainsFunc(t.Locked, func(p Locked) bool { return p.Package == name })
	})
}

// Libraries returns the locked packages with the static libraries that the compiler for a Debian architecture links programs
// with: those of the C library and of the compiler itself, by the names that Debian has for them, which for another
// architecture than the compiler's own end in -ARCHITECTURE-cross.
func (t Toolchain) Libraries(architecture string) []Locked {
	var list []Locked
	for _, p := range t.Locked {
		name, cross := strings.CutSuffix(p.Package, "-"+architecture+"-cross")
		libgcc := strings.HasPrefix(name, "libgcc-") && strings.HasSuffix(name, "-dev")
		if cross != (architecture == t.Architecture) && (name == "libc6-dev" || libgcc) {
			list = append(list, p)
		}
	}
	return list
}

// Size is the number of bytes of all packages.
func (t Toolchain) Size() int64 {
	var size int64
	for _, p := range t.Locked {
		size += p.Size
	}
	return size
}

// Digest is 64 hexadecimal digits, a SHA-256 over all that decides what the root holds. Where mirrors have the packages,
// and why something is left out, is not part of it.
func (t Toolchain) Digest() string {
	h := sha256.New()
	fmt.Fprintf(h, "kubedist tool chain\n")
	for _, p := range t.Locked {
		fmt.Fprintf(h, "package %s\n", p.SHA256)
	}
	for _, l := range t.Exclude {
		fmt.Fprintf(h, "exclude %q\n", l.Match)
	}
	for _, l := range t.Links {
		fmt.Fprintf(h, "link %q %q\n", l.Path, l.To)
	}
	for _, d := range t.Directories {
		fmt.Fprintf(h, "directory %q\n", strings.Trim(d, "/"))
	}
	return hex.EncodeToString(h.Sum(nil))
}

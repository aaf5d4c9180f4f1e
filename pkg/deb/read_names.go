package deb

import (
	"fmt"
	"strings"
)

// maxFileName is the longest name that the usual file systems and ISO images take.
const maxFileName = 255

// Name is the canonical file name name_version_arch.deb of a package; a version's epoch is left out, as dpkg-name and
// every archive do.
func Name(p *Info) string {
	version := p.Version
	if _, rest, found := strings.Cut(version, ":"); found {
		version = rest
	}
	return p.Package + "_" + version + "_" + p.Architecture + ".deb"
}

// CheckName checks the syntax of a package name: Policy 5.6.1 and 5.6.7.
func CheckName(name string) error {
	if len(name) < 2 {
		return fmt.Errorf("package name %q: shorter than two characters", name)
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		alphanumeric := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !alphanumeric && (i == 0 || !strings.ContainsRune("+-.", rune(c))) {
			return fmt.Errorf("package name %q: character %q at %d (Policy 5.6.1)", name, c, i+1)
		}
	}
	return nil
}

// CheckArchitecture checks the syntax of the architecture of a binary package: one word, "all" included, but none of
// the wildcards that only sources have (Policy 5.6.8).
func CheckArchitecture(arch string) error {
	if arch == "" {
		return fmt.Errorf("architecture %q: empty", arch)
	}
	if arch == "any" || arch == "source" || strings.HasPrefix(arch, "any-") || strings.HasSuffix(arch, "-any") {
		return fmt.Errorf("architecture %q: only a source package may have it", arch)
	}
	for i := 0; i < len(arch); i++ {
		c := arch[i]
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' && i > 0) {
			return fmt.Errorf("architecture %q: character %q at %d", arch, c, i+1)
		}
	}
	return nil
}

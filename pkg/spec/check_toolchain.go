package spec

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"kubedist/pkg/deb"
)

// What a lock may hold: several times what a root of compilers for all architectures needs.
const (
	maxLocked     = 2000
	maxLockedSize = 1 << 30 // bytes of one package
)

func (c *checker) checkToolchains(f *file, at report) {
	for i, t := range f.spec.Toolchains {
		where := fmt.Sprintf("toolchains[%d]", i)
		if err := deb.CheckArchitecture(t.Architecture); err != nil || t.Architecture == "all" {
			at(where+".architecture", "architecture", "%q is not that of a machine", t.Architecture)
		}
		if !debianName.MatchString(t.Suite) {
			at(where+".suite", "suite", "%q is not the codename of a Debian release", t.Suite)
		} else {
			c.declare(f, at, where, "tool chain", t.Suite)
		}
		checkAsked(at, where, t.Packages, t.Lacks)
		checkLeftOut(at, where, "without", t.Without)
		checkLeftOut(at, where, "exclude", t.Exclude)
		checkLinks(at, where, t.Links)
		for j, d := range t.Directories {
			checkInside(at, fmt.Sprintf("%s.directories[%d]", where, j), "directories", d)
		}
		checkLocked(at, where, t)
	}
}

// checkAsked checks the packages that are asked for.
func checkAsked(at report, where string, names []string, lacks func(string) bool) {
	if len(names) == 0 {
		at(where, "packages", "missing")
	}
	for i, name := range names {
		switch err := deb.CheckName(name); {
		case err != nil:
			at(fmt.Sprintf("%s.packages[%d]", where, i), "packages", "%v", err)
		case lacks(name):
			at(fmt.Sprintf("%s.packages[%d]", where, i), "packages", "%s is left out below without", name)
		}
	}
}

func checkLinks(at report, where string, list []Symlink) {
	for i, l := range list {
		entry := fmt.Sprintf("%s.links[%d]", where, i)
		checkInside(at, entry+".path", "path", l.Path)
		if l.To == "" || strings.ContainsAny(l.To, "\x00\n") {
			at(entry, "to", "%q leads nowhere", l.To)
		}
	}
}

// checkInside refuses what is no path inside a root.
func checkInside(at report, where, field, name string) {
	if !fs.ValidPath(name) || name == "." || strings.ContainsAny(name, "\\\x00") {
		at(where, field, "%q is not a clean path without a slash at its beginning", name)
	}
}

func checkLeftOut(at report, where, field string, list []LeftOut) {
	for i, l := range list {
		entry := fmt.Sprintf("%s.%s[%d]", where, field, i)
		if len(l.Match) == 0 {
			at(entry, "match", "missing")
		}
		for j, pattern := range l.Match {
			if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
				at(fmt.Sprintf("%s.match[%d]", entry, j), "match", "%q is no pattern", pattern)
			}
		}
		if strings.TrimSpace(l.Why) == "" {
			at(entry, "why", "missing")
		}
	}
}

// checkLocked checks each package of the lock. That none is missing which was asked for is left to those who want the root: it
// is what the lock is renewed for.
func checkLocked(at report, where string, t Toolchain) {
	if len(t.Locked) > maxLocked {
		at(where+".locked", "locked", "more than %d packages", maxLocked)
		return
	}
	before := ""
	for i, p := range t.Locked {
		entry := fmt.Sprintf("%s.locked[%d]", where, i)
		if p.Package <= before {
			at(entry+".package", "package", "%s stands after %s: a lock is sorted and has no package twice", p.Package, before)
		}
		before = p.Package
		if p.Architecture != t.Architecture && p.Architecture != all {
			at(entry+".architecture", "architecture", "%q is neither %s nor all", p.Architecture, t.Architecture)
		}
		checkPackage(at, entry, p, t.Lacks)
	}
}

// checkPackage checks what one package of a lock says of itself.
func checkPackage(at report, entry string, p Locked, lacks func(string) bool) {
	if err := deb.CheckName(p.Package); err != nil {
		at(entry+".package", "package", "%v", err)
	}
	if _, err := deb.ParseVersion(p.Version); err != nil {
		at(entry+".version", "version", "%v", err)
	}
	if !fs.ValidPath(p.Path) || !strings.HasSuffix(p.Path, ".deb") || strings.ContainsAny(p.Path, "\\\x00?#") {
		at(entry+".path", "path", "%q is not the path of a package below a mirror's URL", p.Path)
	}
	if p.Size <= 0 || p.Size > maxLockedSize {
		at(entry+".size", "size", "%d is not a number of bytes from 1 to %d", p.Size, maxLockedSize)
	}
	if !isHex(p.SHA256, 64) {
		at(entry+".sha256", "sha256", "%q is not 64 lower-case hexadecimal digits", p.SHA256)
	}
	if lacks(p.Package) {
		at(entry+".package", "package", "%s is left out below without", p.Package)
	}
}

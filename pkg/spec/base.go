package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// all is the architecture of packages that are the same everywhere (Policy 5.6.8).
const all = "all"

// Lacks reports whether a package is left out although others depend on it.
func (b Base) Lacks(name string) bool { return matches(b.Without, name) }

// Excludes reports whether a file of a package is left out. The path has no slash at its beginning or end. What lies in a
// directory that is left out is left out too.
func (b Base) Excludes(name string) bool { return excludes(b.Exclude, name) }

// Packed reports whether the base is assembled of packages.
func (b Base) Packed() bool { return b.Suite != "" }

// LockedFor returns the packages that the base is made of for a Debian architecture, in the order of the lock.
func (b Base) LockedFor(architecture string) []Locked {
	var list []Locked
	for _, p := range b.Locked {
		if p.Architecture == architecture || p.Architecture == all {
			list = append(list, p)
		}
	}
	return list
}

// Covers reports whether every package that is asked for is locked for a Debian architecture.
func (b Base) Covers(architecture string) bool { return b.missing(architecture) == "" }

// missing names a package that is asked for and not locked for an architecture; "" when there is none.
func (b Base) missing(architecture string) string {
	list := b.LockedFor(architecture)
	i := slices.IndexFunc(b.Packages, func(name string) bool {
		return !slices.ContainsFunc(list, func(p Locked) bool { return p.Package == name })
	})
	if i < 0 {
		return ""
	}
	return b.Packages[i]
}

// Pinned splits the text of Layout or Reference into what it names and the digest, sha256:HEX, of what must be there. It
// is not ok when there is no such digest.
func Pinned(text string) (name, digest string, ok bool) {
	i := max(strings.LastIndex(text, "@"), 0)
	name, digest = text[:i], strings.TrimPrefix(text[i:], "@")
	hexadecimal, ok := strings.CutPrefix(digest, "sha256:")
	return name, digest, ok && name != "" && isHex(hexadecimal, 64)
}

// Digest is 64 hexadecimal digits, a SHA-256 over all that decides what the base holds on a Debian architecture, but for
// the contents of templates. Where mirrors have the packages, and why something is left out, is not part of it.
func (b Base) Digest(architecture string) string {
	h := sha256.New()
	fmt.Fprintf(h, "kubedist base\n")
	for _, p := range b.LockedFor(architecture) {
		fmt.Fprintf(h, "package %s\n", p.SHA256)
	}
	for _, l := range b.Exclude {
		fmt.Fprintf(h, "exclude %q\n", l.Match)
	}
	for _, x := range b.Bundles {
		fmt.Fprintf(h, "bundle %q %q %t\n", x.Match, x.To, x.Drop)
	}
	for _, f := range b.Files {
		fmt.Fprintf(h, "file %q %q\n", f.Template, f.To)
	}
	for _, l := range b.Links {
		fmt.Fprintf(h, "link %q %q\n", l.Path, l.To)
	}
	for _, d := range b.Scratch {
		fmt.Fprintf(h, "scratch %q\n", d)
	}
	if !b.Packed() {
		fmt.Fprintf(h, "layout %q reference %q\n", b.Layout, b.Reference)
	}
	return hex.EncodeToString(h.Sum(nil))
}

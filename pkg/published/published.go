// Package published reads checksums that somebody else has published: which SHA-256 digest a program has on a platform,
// in a version. It reads a SHA256SUMS file, files called NAME.sha256, directories of both, and the checksums.yml of
// Kubespray. It compares nothing and believes nothing: who published them, and whether they are signed, is for others.
package published

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/semver"
	"kubedist/pkg/platform"
)

// ErrFormat is in the chain of every error about what a file says, as opposed to whether it can be read.
var ErrFormat = errors.New("not a list of published checksums")

// digits is the number of hexadecimal digits of a SHA-256 digest.
const digits = 64

// The bounds of what is read: the longest list of checksums in the world has a few thousand of them.
const (
	maxEntries = 1 << 16
	maxFiles   = 1 << 17 // below a directory
	maxSumFile = 4 << 10 // bytes of a NAME.sha256
	maxList    = 8 << 20 // bytes of SHA256SUMS
)

// Options say what the reader is looking for. The rest of what a file lists is ignored.
type Options struct {
	// Platforms are those that the paths of files may name: linux/amd64, linux/armv7. A path or list that names an
	// architecture without its variant means the one platform that has it.
	Platforms []platform.ID
	// Programs are the programs to take from a checksums.yml, which lists archives under other names like theirs.
	Programs []string
}

// Entry is the published digest of one program.
type Entry struct {
	Program  string // without .exe
	Platform platform.ID
	Version  string // v1.34.0; empty where nothing tells: it is meant for whatever version is compared
	SHA256   string // lower-case hex
	Place    string // where it says so: FILE or FILE:LINE
	File     string // the published program itself where it lies beside its checksum, else empty
}

// Checksums are all entries that were found, by program, platform and version; each combination comes once.
type Checksums struct {
	Entries []Entry
}

// Of returns the entries for a version such as v1.34.0: those that name it and those that name none.
func (c *Checksums) Of(version string) []Entry {
	var list []Entry
	for _, e := range c.Entries {
		if e.Version == "" || e.Version == version {
			list = append(list, e)
		}
	}
	return list
}

// compare orders entries.
func compare(a, b Entry) int {
	return cmp.Or(cmp.Compare(a.Program, b.Program), platform.Compare(a.Platform, b.Platform), semver.Compare(a.Version, b.Version), cmp.Compare(a.Version, b.Version))
}

// collect sorts entries and refuses those that contradict each other.
func collect(entries []Entry) (*Checksums, error) {
	slices.SortStableFunc(entries, compare)
	c := &Checksums{}
	for _, e := range entries {
		if n := len(c.Entries); n > 0 && compare(c.Entries[n-1], e) == 0 {
			first := &c.Entries[n-1]
			if first.SHA256 != e.SHA256 {
				return nil, fmt.Errorf("%s: %s of %s is %s, at %s it was %s: %w", e.Place, e.Program, e.Platform, e.SHA256, first.Place, first.SHA256, ErrFormat)
			}
			first.File = cmp.Or(first.File, e.File)
			continue
		}
		c.Entries = append(c.Entries, e)
	}
	return c, nil
}

// digest checks the form of a SHA-256 digest. Upper case, which some tools write, is the same digest.
func digest(text string) (string, error) {
	if len(text) != digits || strings.Trim(text, "0123456789abcdefABCDEF") != "" {
		return "", fmt.Errorf("%.80q is not a SHA-256 digest: %w", text, ErrFormat)
	}
	return strings.ToLower(text), nil
}

// platformOf finds the platform that others call os and arch: "linux", "armv7" or "arm".
func (o Options) platformOf(os, arch string) (platform.ID, bool) {
	var found []platform.ID
	for _, id := range o.Platforms {
		if id.Dir() == os+"/"+arch {
			return id, true
		}
		if id.OS == os && id.Arch == arch {
			found = append(found, id)
		}
	}
	if len(found) != 1 {
		return platform.ID{}, false
	}
	return found[0], true
}

// ofPath understands the slash-separated path of a published program, [VERSION/][bin/]OS/ARCH/[…/]NAME. Any other path
// is that of something else, and not ok.
func (o Options) ofPath(name string) (e Entry, ok bool) {
	parts := strings.Split(name, "/")
	for i := range len(parts) - 2 {
		if semver.IsValid(parts[i]) && semver.Canonical(parts[i]) == parts[i] {
			e.Version = parts[i]
		}
		if e.Platform, ok = o.platformOf(parts[i], parts[i+1]); ok {
			e.Program = path.Base(name)
			if e.Platform.OS == "windows" {
				e.Program = strings.TrimSuffix(e.Program, ".exe")
			}
			return e, e.Program != ""
		}
	}
	return Entry{}, false
}

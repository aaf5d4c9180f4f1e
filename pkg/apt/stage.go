package apt

import (
	"path"
	"strings"
)

// A Stage is a step of bringing a published tree to where it is served. All files of one stage are there before the
// first of the next is written, so that no client finds a file that names another one that is not there; what is to go
// is removed in the opposite order.
type Stage int

// The stages, in their order.
const (
	StagePool      Stage = iota // packages
	StageKeys                   // keyring and .sources files, before anything is signed by a key that is new in them
	StageByHash                 // indices under their digests
	StageIndices                // indices under their names
	StageRelease                // Release and Release.gpg
	StageInRelease              // InRelease, by which clients see all that came before
	StagePages                  // what people and mirrors read about the tree: index.html, ls-lR.gz, project/trace
)

// Stages are all stages in their order.
func Stages() []Stage {
	return []Stage{StagePool, StageKeys, StageByHash, StageIndices, StageRelease, StageInRelease, StagePages}
}

// String names the stage for people.
func (s Stage) String() string {
	switch s {
	case StagePool:
		return "pool"
	case StageKeys:
		return "keyring and sources"
	case StageByHash:
		return "by-hash"
	case StageIndices:
		return "indices"
	case StageRelease:
		return "Release"
	case StageInRelease:
		return "InRelease"
	case StagePages:
		return "pages"
	}
	return "unknown"
}

// Immutable tells that what lies under such a name never changes: a package's name has its version in it, a name under
// by-hash is a digest.
func (s Stage) Immutable() bool { return s == StagePool || s == StageByHash }

// StageOf tells by its path, relative to the root and with slashes, to which stage a file belongs.
func StageOf(name string) Stage {
	base, dir := path.Base(name), path.Base(path.Dir(name))
	switch {
	case base == "index.html", base == "ls-lR.gz", strings.HasPrefix(name, projectDir+"/"): // index.html is in every directory
		return StagePages
	case name == keyringDeb: // always of the newest version, under one name
		return StageKeys
	case strings.HasPrefix(name, poolDir+"/"), path.Ext(base) == ".deb":
		return StagePool
	case strings.Contains(name, "/by-hash/"):
		return StageByHash
	case name == keyringBinary, name == keyringArmored, path.Ext(base) == ".sources":
		return StageKeys
	case base == "InRelease":
		return StageInRelease
	case base == "Release.gpg", base == "Release" && dir != "source" && !strings.HasPrefix(dir, "binary-"):
		return StageRelease // the Release of one architecture is an index, which the suite's Release lists
	}
	return StageIndices
}

package page

import (
	"path"
	"time"
)

// Archive is what the landing page tells about an archive. Paths are relative to the archive's root.
type Archive struct {
	Origin, Label, Description string

	URL      string    // of the root as clients see it, without a trailing slash
	Keyring  string    // the keyring's path, in the form that clients keep
	Keyrings []string  // the paths of all forms of it
	SignedBy string    // where clients keep the keyring
	Sources  string    // the name of the .sources file in each suite's directory
	Updated  time.Time // when the newest suite was published
	Keys     []Key
	Suites   []Suite
	Browse   []string // the directories at the root that have a page; none when directories have no pages
	LongList string   // the path of ls-lR.gz; "" when there is none
	Trace    string   // the path of the trace file; "" when there is none
}

// Key is one of the archive's keys.
type Key struct {
	Fingerprint string
	UserID      string
	Algorithm   string
	Expires     time.Time // zero for never
	Signs       bool      // the archive is signed by it now; the others are those before it and after it
}

// Suite is one published suite.
type Suite struct {
	Name, Description string

	Dir              string // under dists
	Date, ValidUntil time.Time
	Architectures    []string
	Aliases          []string
	Flat             string // its directory in the flat format; "" for none
	NotAutomatic     bool
	Default          bool     // the one that people are told to take, unless they know better
	Kubernetes       string   // the newest version of Kubernetes in it: v1.36.3; "" for none
	OlderNotes       []string // the other versions of Kubernetes in it, the newest first
	Files            []string // what apt and people fetch of it: the .sources file, InRelease, …
	Packages         []Package
	Unlisted         bool // its packages are not listed on the page: there are too many, or they cannot be read
}

// Package is all versions of one package in a suite.
type Package struct {
	Name string
	// Current are the versions that are the newest for some architecture, with the files of those architectures: one
	// version, unless an architecture lags behind. Older is the rest. Both have the newest version first.
	Current, Older []Version
}

// Version is one version of a package.
type Version struct {
	Version    string
	Kubernetes string // the version of Kubernetes it is, as its release notes name it; "" when its version is its own
	Files      []File // by architecture
}

// File is one package file.
type File struct {
	Architecture string
	Path         string
	SHA256       string
	Size         int64 // bytes
}

// Landing writes the archive's landing page.
func Landing(a *Archive) ([]byte, error) { return render("landing.html", a) }

// steps are what is typed to use an archive; Sudo comes before each command that needs to be root.
type steps struct {
	*Archive
	Sudo string
}

// suiteOf is a suite with the archive that it is a part of.
type suiteOf struct {
	Suite
	Archive *Archive
}

// KeyringDir is the directory in which clients keep the keyring.
func (a *Archive) KeyringDir() string { return path.Dir(a.SignedBy) }

// Default is the suite that people are told to take. It is nil when none is published.
func (a *Archive) Default() *Suite {
	for i := range a.Suites {
		if a.Suites[i].Default {
			return &a.Suites[i]
		}
	}
	return nil
}

// Architectures lists those of all suites, as they come.
func (a *Archive) Architectures() []string {
	var all []string
	seen := map[string]bool{}
	for _, s := range a.Suites {
		for _, arch := range s.Architectures {
			if !seen[arch] {
				seen[arch] = true
				all = append(all, arch)
			}
		}
	}
	return all
}

// Install names the packages that make a node of Kubernetes, those whose version is that of Kubernetes.
func (s Suite) Install() []string {
	var names []string
	for _, p := range s.Packages {
		if len(p.Current) > 0 && p.Current[0].Kubernetes != "" {
			names = append(names, p.Name)
		}
	}
	return names
}

// OlderVersions counts the versions of packages that are not the newest.
func (s Suite) OlderVersions() int {
	n := 0
	for _, p := range s.Packages {
		n += len(p.Older)
	}
	return n
}

// Base is the name of the file.
func (f File) Base() string { return path.Base(f.Path) }

package release

import (
	"cmp"
	"path"
	"slices"
	"sync"
	"time"

	"kubedist/pkg/ledger"
)

// Kind says what an artifact is.
type Kind string

// The kinds of artifacts.
const (
	Binary   Kind = "binary"
	Deb      Kind = "package"
	TarFile  Kind = "tarball"
	ImageTar Kind = "image" // of one platform, as docker and others load it
	Blob     Kind = "blob"  // a part of images: a file of the layout that holds all of them
)

// Artifact is one file of a release.
type Artifact struct {
	Path     string `json:"path"` // below the release's directory
	Kind     Kind   `json:"kind"`
	Name     string `json:"name"`
	Version  string `json:"version,omitempty"`
	Platform string `json:"platform,omitempty"`
	Size     int64  `json:"size"` // bytes
	SHA256   string `json:"sha256"`
	SHA512   string `json:"sha512"`
	Source   string `json:"source,omitempty"` // name of the source under "sources"; none of a blob, which may be in images of several
	Main     string `json:"main,omitempty"`   // of a binary: its main package
	// BuildDate is what a binary gives as its own where that is not the one of the release's stamp: see specs/releases.
	BuildDate time.Time `json:"buildDate,omitzero"`
	From      []string  `json:"from,omitempty"`    // paths of the artifacts that are inside
	Missing   []string  `json:"missing,omitempty"` // of a tarball: programs and images that its layout has and this release has not
}

// collection gathers artifacts from workers; their order is that of their paths, never that of time.
type collection struct {
	mu   sync.Mutex
	list []Artifact
}

func (c *collection) add(a Artifact, f ledger.File) {
	a.Path, a.Size, a.SHA256, a.SHA512 = f.Path, f.Size, f.SHA256, f.SHA512
	slices.Sort(a.From)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, a)
}

// addBlob adds a file of the layout, which several images may have.
func (c *collection) addBlob(f ledger.File) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.ContainsFunc(c.list, func(a Artifact) bool { return a.Path == f.Path }) {
		c.list = append(c.list, Artifact{Path: f.Path, Kind: Blob, Name: path.Base(f.Path), Size: f.Size, SHA256: f.SHA256, SHA512: f.SHA512})
	}
}

func (c *collection) sorted() []Artifact {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.SortedFunc(slices.Values(c.list), func(a, b Artifact) int { return cmp.Compare(a.Path, b.Path) })
}

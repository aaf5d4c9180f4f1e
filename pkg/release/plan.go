// Package release is the only one that knows all the steps: it plans what a release consists of, runs the plan,
// resumes what was interrupted, and writes the manifest and the checksums. How a binary, a package or an archive is
// made is known below.
package release

import (
	"slices"
	"time"

	"kubedist/pkg/platform"
	"kubedist/pkg/spec"
)

// Step says how far a run goes. Each includes the compiling that it needs.
type Step int

// The steps of a release.
const (
	Build   Step = iota // binaries
	Debs                // and packages
	Tars                // or tarballs
	Images              // or images
	Publish             // everything, with manifest, checksums and signatures, and into the archive where there is one
)

func (s Step) packages() bool { return s == Debs || s == Publish }
func (s Step) tarballs() bool { return s == Tars || s == Publish }

// MakesImages reports whether a run up to this step makes images: tarballs hold some.
func (s Step) MakesImages() bool { return s == Tars || s == Images || s == Publish }

// Selection narrows a release. Empty lists select everything.
type Selection struct {
	Platforms []platform.ID
	Packages  []string
	Programs  []string    // alone, as specs/binaries.yaml calls them; no packages and no tarballs are made then
	Images    []string    // with the programs they hold and nothing else
	NoImages  bool        // leaves out images, and the programs that are in nothing else
	Profile   string      // how programs are linked, of specs/profiles.yaml; "" as they say themselves
	Revision  string      // of the Debian version
	Host      platform.ID // of the building machine
	Until     Step
}

// Inputs is what a plan has to know of the sources: the version that each has, and which programs the groups of the
// spec turned out to hold.
type Inputs struct {
	Version  string                         // of the release: v1.36.3
	Versions map[string]string              // source -> version
	Found    map[string]map[string][]string // group -> operating system -> import paths
	Tags     map[string]string              // image -> tag, of those that the tree names one of
	Known    spec.Release                   // whose stamp the programs of the release carry; the zero one where it is their own
}

// Plan is what a release consists of. It is a pure function of spec, inputs and selection; `kubedist plan` prints it.
type Plan struct {
	Version   string     `json:"version"`
	Platforms []Platform `json:"platforms"`
	Documents []string   `json:"documents"`
	Tarballs  []Tarball  `json:"tarballs"` // those of no platform
	// Coverage are the programs that are asked which images they want.
	Coverage []spec.Coverage `json:"-"`
}

// asksTools reports whether programs run on the building machine: to write documents, or to say which images they want.
func (p *Plan) asksTools() bool { return len(p.Documents)+len(p.Coverage) > 0 }

// Platform is the part of a plan that one platform's pipeline runs.
type Platform struct {
	platform.Platform `json:"-"`
	Name              string    `json:"platform"`
	Compiles          []Compile `json:"compiles"`
	Packages          []Package `json:"packages"`
	Images            []Image   `json:"images,omitempty"`
	Tarballs          []Tarball `json:"tarballs"`
}

// Released reports whether anything of p is released. The building machine's own platform may be there for its tools alone.
func (p Platform) Released() bool {
	return slices.ContainsFunc(p.Compiles, func(c Compile) bool {
		return slices.ContainsFunc(c.Programs, func(program Program) bool { return !program.Tool })
	})
}

// Compile is one go build, or with C one program in C.
type Compile struct {
	Source string    `json:"source"`
	Link   spec.Link `json:"link"`
	// BuildDate is the one of the pass that the programs are published from; zero where they have that of their source.
	BuildDate time.Time `json:"buildDate,omitzero"`
	C         bool      `json:"c,omitempty"`
	Programs  []Program `json:"programs"`
}

// Program is one binary: what the spec calls it or the group that it is of, its file name, and its main package, which a program in C has not.
type Program struct {
	Binary string `json:"binary"`
	Name   string `json:"name"`
	Main   string `json:"main,omitempty"`
	Tool   bool   `json:"tool,omitempty"` // runs here to write documents and is not released
}

// Package is one .deb.
type Package struct {
	Spec         spec.Package   `json:"-"`
	Name         string         `json:"name"`
	Version      string         `json:"version"` // Debian's: 1.36.3-1.1
	Architecture string         `json:"architecture"`
	Relations    spec.Relations `json:"relations"`
	Companion    bool           `json:"companion,omitempty"` // its version does not follow the release's
}

// File is the file name of the package (Policy 5.6.15 and the custom of dpkg-deb).
func (p Package) File() string { return p.Name + "_" + p.Version + "_" + p.Architecture + ".deb" }

// Image is one container image for one platform.
type Image struct {
	Spec      spec.Image `json:"-"`
	Name      string     `json:"name"`
	Version   string     `json:"version"`   // the tag
	Reference string     `json:"reference"` // registry.k8s.io/kube-apiserver:v1.36.3
	Programs  []string   `json:"programs"`
}

// Tarball is one release tarball.
type Tarball struct {
	Spec     spec.Tarball `json:"-"`
	Name     string       `json:"name"`
	Programs []string     `json:"programs,omitempty"`
	Images   []string     `json:"images,omitempty"`
	Missing  []string     `json:"missing,omitempty"` // programs and images that the layout has and this release has not
}

// Package spec knows what specs/ declares: platforms, sources, binaries, documents, packages, tarballs, images, C tool chains, and
// what is known of published releases. It loads the files strictly, checks them as a whole, and describes their form as a
// JSON Schema. It runs nothing and reads no source tree: what a declaration means for one release is pkg/release's plan.
package spec

import (
	"slices"

	"kubedist/pkg/platform"
)

// Spec is everything that the files under specs/ declare, in the order of file names and then of the files.
type Spec struct {
	Platforms  []Platform  `yaml:"platforms,omitempty"`
	Sources    []Source    `yaml:"sources,omitempty"`
	Binaries   []Binary    `yaml:"binaries,omitempty"`
	Documents  []Document  `yaml:"documents,omitempty"`
	Packages   []Package   `yaml:"packages,omitempty"`
	Tarballs   []Tarball   `yaml:"tarballs,omitempty"`
	Images     []Image     `yaml:"images,omitempty" jsonschema:"description=container images"`
	Bases      []Base      `yaml:"bases,omitempty" jsonschema:"description=what images are built on"`
	Coverage   []Coverage  `yaml:"coverage,omitempty" jsonschema:"description=programs that name the images which they want"`
	Profiles   []Profile   `yaml:"profiles,omitempty" jsonschema:"description=ways of linking that differ from the programs' own"`
	Releases   []Release   `yaml:"releases,omitempty" jsonschema:"description=what is known of releases that others have published"`
	Toolchains []Toolchain `yaml:"toolchains,omitempty" jsonschema:"description=roots with C compilers that programs with cgo are compiled in"`

	// Digest identifies the files that were loaded: see [Load].
	Digest string `yaml:"-" json:"-"`
}

// Role is what a platform is good for; binaries, packages and tarballs say which roles they serve.
type Role string

// The roles of a platform.
const (
	Client Role = "client" // people run kubectl on it
	Node   Role = "node"   // it joins a cluster
	Server Role = "server" // it can hold the control plane
)

// Platform is a platform that releases are made for.
type Platform struct {
	platform.Platform `yaml:",inline"`
	Roles             []Role `yaml:"roles" jsonschema:"minItems=1,description=what the platform is good for"`
}

// Serves reports whether p has one of roles.
func (p Platform) Serves(roles []Role) bool {
	return slices.ContainsFunc(roles, func(r Role) bool { return slices.Contains(p.Roles, r) })
}

// Source is a Go module that binaries are compiled from.
type Source struct {
	Name    string   `yaml:"name" jsonschema:"description=what binaries and packages call it"`
	Module  string   `yaml:"module" jsonschema:"description=module path"`
	Version string   `yaml:"version,omitempty" jsonschema:"description=module version; without it the source follows the version being released"`
	Go      string   `yaml:"go,omitempty" jsonschema:"description=Go release that compiles it; without it the tree's .go-version says"`
	Follows *Reading `yaml:"follows,omitempty" jsonschema:"description=where the version stands in the tree that the release follows; instead of version"`
	License string   `yaml:"license,omitempty" jsonschema:"description=SPDX expression of the licence that its makers declare; SBOMs repeat it"`
	Staging *Staging `yaml:"staging,omitempty" jsonschema:"description=modules that live inside the tree and are published apart"`
	Build   Build    `yaml:"build" jsonschema:"description=how its programs are compiled"`
}

// Primary reports whether the source is the one that has the version being released.
func (s Source) Primary() bool { return s.Version == "" && s.Follows == nil }

// Staging says how a tree and its nested modules fit together.
type Staging struct {
	Skip []string `yaml:"skip,omitempty" jsonschema:"description=nested modules that no program needs: left out of the workspace"`
	// Version says which version of a nested module belongs to one of the tree: see the constants.
	Version StagingVersion `yaml:"version,omitempty" jsonschema:"description=version of the nested modules: v0 (of v1.36.3 it is v0.36.3) or same; v0 where nothing is said"`
}

// StagingVersion is how a repository numbers the modules inside of it.
type StagingVersion string

// How nested modules are numbered.
const (
	StagingV0   StagingVersion = "v0"   // v1.36.3 of the tree is v0.36.3 of each, as in Kubernetes
	StagingSame StagingVersion = "same" // they are tagged together
)

// Build is the part of a go build command line that a source's programs have in common. Variables and Ldflags are
// templates over the stamp: Version, Commit, TreeState, BuildDate, Major, Minor.
type Build struct {
	Tags       []string `yaml:"tags,omitempty" jsonschema:"description=build tags"`
	Variables  []string `yaml:"variables,omitempty" jsonschema:"description=SYMBOL=VALUE pairs that the linker sets"`
	Ldflags    string   `yaml:"ldflags,omitempty" jsonschema:"description=further linker flags"`
	InstallSfx string   `yaml:"installsuffix,omitempty" jsonschema:"description=go build's -installsuffix"`
}

// Binary is a program, or with Find a group of programs that the source itself defines.
type Binary struct {
	Name   string    `yaml:"name" jsonschema:"description=file name without .exe; of a group: what packages call it"`
	Source string    `yaml:"source" jsonschema:"description=the source it is compiled from"`
	Main   string    `yaml:"main,omitempty" jsonschema:"description=import path of its main package"`
	C      *CProgram `yaml:"c,omitempty" jsonschema:"description=how it is compiled, when it is written in C"`
	Find   []string  `yaml:"find,omitempty" jsonschema:"description=package patterns: every main package that one matches is a program of the group"`
	Roles  []Role    `yaml:"roles,omitempty" jsonschema:"description=platforms to compile for; with none it is only a tool for documents and runs on the building machine"`
	Link   Link      `yaml:"link" jsonschema:"description=how it is linked"`
	Absent string    `yaml:"absent,omitempty" jsonschema:"description=why it is not built yet; manifests repeat it"`
}

// Link is how a program is linked.
type Link string

// How programs are linked.
const (
	// Static programs need no library of the machine they run on, and nothing but Go to be made.
	Static Link = "static"
	// CLinked programs are linked with the C library, through cgo: they need it where they run, and a C compiler for each
	// platform to be made. Only a profile can ask for it, since it says which compiler.
	CLinked Link = "cgo"
)

// Document is a file, or a set of files, that a program of the release writes when it is run on the building machine:
// shell completions, man pages. It is the same for every platform and made once.
type Document struct {
	Name   string   `yaml:"name" jsonschema:"description=what packages call it"`
	Binary string   `yaml:"binary" jsonschema:"description=the program that writes it"`
	Args   []string `yaml:"args,omitempty" jsonschema:"description=its arguments; {{.Out}} is the directory to write into"`
	Stdout string   `yaml:"stdout,omitempty" jsonschema:"description=name of the file that standard output becomes"`
}

// Package is a Debian package.
type Package struct {
	Name        string      `yaml:"name" jsonschema:"description=Debian name (Policy 5.6.7)"`
	Source      string      `yaml:"source" jsonschema:"description=the source whose version and date it has"`
	Roles       []Role      `yaml:"roles" jsonschema:"minItems=1,description=platforms to package for"`
	Section     string      `yaml:"section"`
	Priority    string      `yaml:"priority"`
	Summary     string      `yaml:"summary" jsonschema:"description=first line of Description (Policy 5.6.13)"`
	Description string      `yaml:"description" jsonschema:"description=the rest of Description"`
	Homepage    string      `yaml:"homepage"`
	Contents    []Content   `yaml:"contents" jsonschema:"minItems=1"`
	Scripts     Scripts     `yaml:"scripts,omitempty"`
	Relations   []Relations `yaml:"relations,omitempty" jsonschema:"description=dependencies by version of the package; exactly one entry must match"`
}

// Scripts names the templates of maintainer scripts (Policy 6).
type Scripts struct {
	Preinst  string `yaml:"preinst,omitempty"`
	Postinst string `yaml:"postinst,omitempty"`
	Prerm    string `yaml:"prerm,omitempty"`
	Postrm   string `yaml:"postrm,omitempty"`
}

// Relations are the dependencies of a range of versions (Policy 7).
type Relations struct {
	Versions   Range    `yaml:"versions" jsonschema:"type=string,description=range of versions such as '>=1.32 <1.40': FROM inclusive with its pre-releases and TO exclusive with its own"`
	Depends    []string `yaml:"depends,omitempty"`
	Recommends []string `yaml:"recommends,omitempty"`
	Suggests   []string `yaml:"suggests,omitempty"`
	Conflicts  []string `yaml:"conflicts,omitempty"`
	Replaces   []string `yaml:"replaces,omitempty"`
	Provides   []string `yaml:"provides,omitempty"`
}

// Content is one thing in a package. Exactly one of Binary, Document, Template, Tree and Dir is set.
type Content struct {
	Binary   string `yaml:"binary,omitempty" jsonschema:"description=a program or group of programs; mode 0755"`
	Document string `yaml:"document,omitempty" jsonschema:"description=a document; every file of it that Files matches"`
	Template string `yaml:"template,omitempty" jsonschema:"description=a file of templates/; it is expanded"`
	Tree     string `yaml:"tree,omitempty" jsonschema:"description=a file of the source tree"`
	Dir      string `yaml:"dir,omitempty" jsonschema:"description=an empty directory"`
	Files    string `yaml:"files,omitempty" jsonschema:"description=pattern over the file names of a document"`
	To       string `yaml:"to,omitempty" jsonschema:"description=absolute path; with a final slash a directory to put the files into"`
	Config   bool   `yaml:"config,omitempty" jsonschema:"description=a conffile (Policy 10.7)"`
	Gzip     bool   `yaml:"gzip,omitempty" jsonschema:"description=compress the file and add .gz to its name"`
}

// Tarball is a release tarball: one per platform that has one of Roles, or a single one where Roles is empty.
type Tarball struct {
	Name     string        `yaml:"name" jsonschema:"description=file name; a template over OS and Arch"`
	Source   string        `yaml:"source" jsonschema:"description=the source whose version and date it has"`
	Roles    []Role        `yaml:"roles,omitempty"`
	Contents []TarballItem `yaml:"contents" jsonschema:"minItems=1"`
}

// TarballItem is one thing in a tarball. Exactly one of Binaries, Images, Tree, Version and Tarball is set.
type TarballItem struct {
	Images   []string `yaml:"images,omitempty" jsonschema:"description=images of the platform, each as NAME.tar with its tag in NAME.docker_tag"`
	Binaries []string `yaml:"binaries,omitempty" jsonschema:"description=programs; those not built for the platform are left out and the manifest says so"`
	Tree     string   `yaml:"tree,omitempty" jsonschema:"description=a file or directory of the source tree; '.' is all of it"`
	Version  bool     `yaml:"version,omitempty" jsonschema:"description=a file that holds the version and nothing else"`
	Tarball  string   `yaml:"tarball,omitempty" jsonschema:"description=another tarball; one without a platform"`
	To       string   `yaml:"to" jsonschema:"description=path inside; with a final slash a directory to put the files into"`
}

// Binary returns the binary or group called name.
func (s *Spec) Binary(name string) (Binary, bool) {
	return find(s.Binaries, func(b Binary) bool { return b.Name == name })
}

// Source returns the source called name.
func (s *Spec) Source(name string) (Source, bool) {
	return find(s.Sources, func(x Source) bool { return x.Name == name })
}

// Document returns the document called name.
func (s *Spec) Document(name string) (Document, bool) {
	return find(s.Documents, func(d Document) bool { return d.Name == name })
}

// Platform returns the platform with the identity id.
func (s *Spec) Platform(id platform.ID) (Platform, bool) {
	return find(s.Platforms, func(p Platform) bool { return p.ID == id })
}

// Tarball returns the tarball called name.
func (s *Spec) Tarball(name string) (Tarball, bool) {
	return find(s.Tarballs, func(t Tarball) bool { return t.Name == name })
}

func find[T any](list []T, match func(T) bool) (T, bool) {
	if i := slices.IndexFunc(list, match); i >= 0 {
		return list[i], true
	}
	var none T
	return none, false
}

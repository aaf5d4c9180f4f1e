package spec

import "strings"

// Image is a container image: one for each platform that has one of Roles, and an index (manifest list) over them.
type Image struct {
	Name       string   `yaml:"name" jsonschema:"description=what commands and tarballs call it"`
	Source     string   `yaml:"source" jsonschema:"description=the source whose date it has, and whose version where Tag says nothing else"`
	Roles      []Role   `yaml:"roles" jsonschema:"minItems=1,description=platforms to make it for"`
	Repository string   `yaml:"repository" jsonschema:"description=the repository that clients ask for it: REGISTRY/PATH"`
	Also       []string `yaml:"also,omitempty" jsonschema:"description=further paths that it is pushed to in registries of others, where clients look for it there"`
	Tag        *Reading `yaml:"tag,omitempty" jsonschema:"description=where its tag stands; without it the version of its source"`
	OnRequest  bool     `yaml:"onRequest,omitempty" jsonschema:"description=made only when it is asked for by name, since a release does not need it"`

	Base     string         `yaml:"base,omitempty" jsonschema:"description=what lies below its contents, of bases; without one nothing does"`
	Contents []ImageContent `yaml:"contents" jsonschema:"minItems=1"`

	Entrypoint  []string `yaml:"entrypoint,omitempty" jsonschema:"description=program to start, with arguments that every start has"`
	Command     []string `yaml:"command,omitempty" jsonschema:"description=arguments of a start that names none"`
	Environment []string `yaml:"environment,omitempty" jsonschema:"description=NAME=VALUE pairs; templates over OS, Arch and Variant"`
	User        string   `yaml:"user,omitempty" jsonschema:"description=UID or UID:GID that it runs as; without one root"`
	WorkingDir  string   `yaml:"workingDir,omitempty" jsonschema:"description=absolute path of the directory that it starts in"`
	Ports       []string `yaml:"ports,omitempty" jsonschema:"description=PORT/PROTOCOL pairs that it listens on"`
}

// ImageContent is one file in an image. Exactly one of Binary and Tree is set.
type ImageContent struct {
	Binary       string   `yaml:"binary,omitempty" jsonschema:"description=a program; mode 0755"`
	Tree         string   `yaml:"tree,omitempty" jsonschema:"description=a file of the source tree; mode 0644"`
	To           string   `yaml:"to" jsonschema:"description=absolute path; with a final slash a directory to put the file into; it leads through links of the base"`
	Capabilities []string `yaml:"capabilities,omitempty" jsonschema:"description=file capabilities, permitted and effective (capabilities(7)): cap_net_bind_service"`
}

// For reports whether there is an image for a platform. All are of Linux.
func (i Image) For(p Platform) bool { return p.ID.OS == "linux" && p.Serves(i.Roles) }

// Path is the repository without the registry.
func (i Image) Path() string {
	_, path, _ := strings.Cut(i.Repository, "/")
	return path
}

// Reading is a value that stands in the source tree that the release follows.
type Reading struct {
	File  string `yaml:"file" jsonschema:"description=file of the tree"`
	Match string `yaml:"match" jsonschema:"description=regular expression whose one group is the value; it must match once"`
}

// Base is what images are built on. It comes from one place: from Debian packages (Suite), from an OCI image layout on
// disk (Layout), or from a registry (Reference). People write all of it but Locked, which `kubedist image base lock`
// makes of the rest.
type Base struct {
	Name string `yaml:"name" jsonschema:"description=what images call it"`

	Suite    string         `yaml:"suite,omitempty" jsonschema:"description=codename of the Debian release whose packages it is assembled of"`
	Packages []string       `yaml:"packages,omitempty" jsonschema:"description=packages that are asked for; what they depend on comes along"`
	Without  []LeftOut      `yaml:"without,omitempty" jsonschema:"description=packages that others depend on and programs in the image do not need"`
	Exclude  []LeftOut      `yaml:"exclude,omitempty" jsonschema:"description=files and directories that are not unpacked"`
	Bundles  []Bundle       `yaml:"bundles,omitempty" jsonschema:"description=files that are made of others, one after the other"`
	Files    []BaseTemplate `yaml:"files,omitempty" jsonschema:"description=files of templates/"`
	Links    []Symlink      `yaml:"links,omitempty" jsonschema:"description=symbolic links that scripts of the packages would make"`
	Scratch  []string       `yaml:"scratch,omitempty" jsonschema:"description=directories that everybody may write to, as /tmp (mode 1777): absolute paths"`
	Locked   []Locked       `yaml:"locked,omitempty" jsonschema:"description=the packages of every architecture: sorted by architecture and name"`

	Layout    string `yaml:"layout,omitempty" jsonschema:"description=DIRECTORY@sha256:DIGEST of an index or an image in an OCI image layout; DIRECTORY as the system has it"`
	Reference string `yaml:"reference,omitempty" jsonschema:"description=REGISTRY/REPOSITORY@sha256:DIGEST of an index or an image"`
}

// Bundle is a file that is put together of files of the packages, in the order of their names: the bundle of certificates
// that a script of package ca-certificates would write.
type Bundle struct {
	Match string `yaml:"match" jsonschema:"description=pattern of paths without a slash at their beginning"`
	To    string `yaml:"to" jsonschema:"description=absolute path"`
	Drop  bool   `yaml:"drop,omitempty" jsonschema:"description=the single files are left out of the image"`
}

// BaseTemplate is a file of a base that comes from templates/, as it is.
type BaseTemplate struct {
	Template string `yaml:"template"`
	To       string `yaml:"to" jsonschema:"description=absolute path"`
}

// CProgram says how a program of C files is compiled, by the compilers of a tool chain and for each platform that they
// compile for.
type CProgram struct {
	Files     []string `yaml:"files" jsonschema:"minItems=1,description=files of its source tree: those that end in .c are compiled, and they can include the others but no further ones"`
	Flags     []string `yaml:"flags,omitempty" jsonschema:"description=of compiler and linker; templates over Version"`
	Version   *Reading `yaml:"version,omitempty" jsonschema:"description=where the program's own version stands; without it that of its source"`
	Toolchain string   `yaml:"toolchain" jsonschema:"description=suite of the tool chain that compiles it"`
}

// Coverage is a program of the release that names, one a line on standard output, the images that it will want. What it
// names has to be in the release.
type Coverage struct {
	Binary   string   `yaml:"binary" jsonschema:"description=a program that runs on the building machine"`
	Args     []string `yaml:"args" jsonschema:"description=its arguments; templates over Version"`
	Registry string   `yaml:"registry" jsonschema:"description=the registry that it names images of"`
}

// Image returns the image called name.
func (s *Spec) Image(name string) (Image, bool) {
	return find(s.Images, func(i Image) bool { return i.Name == name })
}

// Base returns the base called name.
func (s *Spec) Base(name string) (Base, bool) {
	return find(s.Bases, func(b Base) bool { return b.Name == name })
}

package spec

import (
	"fmt"
	"io/fs"

	"kubedist/pkg/platform"
)

// Profile is a way of linking a release that differs from the programs' own.
type Profile struct {
	Name    string     `yaml:"name" jsonschema:"description=what --profile calls it"`
	Summary string     `yaml:"summary" jsonschema:"description=what it is for, in one line"`
	Links   []LinkRule `yaml:"links,omitempty" jsonschema:"description=programs that are linked otherwise than they say; at most one entry holds for a version"`
	Cgo     *Cgo       `yaml:"cgo,omitempty" jsonschema:"description=what compiles the C code of programs that are linked with cgo"`
}

// LinkRule says how a program is linked in a range of versions.
type LinkRule struct {
	Binary   string `yaml:"binary" jsonschema:"description=the program under binaries"`
	Versions Range  `yaml:"versions" jsonschema:"type=string,description=range of versions of its source such as '<1.37'"`
	Link     Link   `yaml:"link" jsonschema:"description=how it is linked there"`
}

// Cgo is the C tool chain of a profile.
type Cgo struct {
	Image     string        `yaml:"image" jsonschema:"description=file of the source tree whose text names the image that the tree is compiled in and with it the Debian release"`
	Host      platform.ID   `yaml:"host" jsonschema:"type=string,description=platform that the compilers run on and whose own is called gcc"`
	Depends   []string      `yaml:"depends,omitempty" jsonschema:"description=what packages with such programs depend on besides"`
	Platforms []platform.ID `yaml:"platforms" jsonschema:"minItems=1,description=those that there is a compiler for; on others programs are linked statically"`
}

// Profile returns the profile called name.
func (s *Spec) Profile(name string) (Profile, bool) {
	return find(s.Profiles, func(p Profile) bool { return p.Name == name })
}

// LinkOf returns how a profile links b, whose source has a version such as v1.34.0, on a platform. The zero Profile links
// every program as it says itself.
func (p Profile) LinkOf(b Binary, version string, id platform.ID) Link {
	rule, ok := find(p.Links, func(r LinkRule) bool { return r.Binary == b.Name && r.Versions.Contains(version) })
	if !ok {
		return b.Link
	}
	if rule.Link == CLinked {
		if _, ok := find(p.Cgo.Platforms, func(x platform.ID) bool { return x == id }); !ok {
			return b.Link
		}
	}
	return rule.Link
}

// CC is the C compiler for a platform, as Debian calls it; "" is the one of the machine that it runs on, which go finds
// for itself.
func (c Cgo) CC(p platform.Platform) string {
	if p.ID == c.Host {
		return ""
	}
	return p.Triplet + "-gcc"
}

func (c *checker) checkProfiles(f *file, at report) {
	for i, p := range f.spec.Profiles {
		where := fmt.Sprintf("profiles[%d]", i)
		c.declare(f, at, where, "profile", p.Name)
		if p.Summary == "" {
			at(where, "summary", "missing")
		}
		for j, r := range p.Links {
			c.checkLinkRule(at, fmt.Sprintf("%s.links[%d]", where, j), p, j, r)
		}
		if p.Cgo == nil {
			continue
		}
		switch {
		case p.Cgo.Image == "":
			at(where+".cgo", "image", "missing")
		case !fs.ValidPath(p.Cgo.Image):
			at(where+".cgo.image", "image", "%q is not a clean path inside the tree", p.Cgo.Image)
		}
		if p.Cgo.Host.OS == "" {
			at(where+".cgo", "host", "missing")
		}
		if len(p.Cgo.Platforms) == 0 {
			at(where+".cgo", "platforms", "missing")
		}
		for j, id := range p.Cgo.Platforms {
			if declared, ok := c.spec.Platform(id); !ok || declared.Triplet == "" {
				at(fmt.Sprintf("%s.cgo.platforms[%d]", where, j), "platforms", "%q is not declared with a triplet", id)
			}
		}
	}
}

func (c *checker) checkLinkRule(at report, where string, p Profile, n int, r LinkRule) {
	if b, ok := c.spec.Binary(r.Binary); !ok || b.Main == "" {
		at(where+".binary", "binary", "%q is not a declared program in Go", r.Binary)
	}
	switch {
	case r.Link != Static && r.Link != CLinked:
		at(where+".link", "link", "%q is not known; %q and %q are", r.Link, Static, CLinked)
	case r.Link == CLinked && p.Cgo == nil:
		at(where+".link", "link", "%q needs the profile to say under cgo what compiles C", r.Link)
	}
	for k, earlier := range p.Links[:n] {
		if earlier.Binary == r.Binary && earlier.Versions.Overlaps(r.Versions) {
			at(where+".versions", "versions", "%s overlaps %s of entry %d", r.Versions, earlier.Versions, k+1)
		}
	}
}

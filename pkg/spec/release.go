package spec

import (
	"slices"
	"time"

	"kubedist/pkg/platform"
)

// Release is what is known of a release that others have published: the stamp that its programs carry, and their digests.
// It is what cannot be computed from the source: with it, the same source makes the same bytes.
type Release struct {
	Version    string      `yaml:"version" jsonschema:"description=v1.34.0"`
	Commit     string      `yaml:"commit" jsonschema:"description=git commit of the tag: 40 lower-case hexadecimal digits"`
	CommitTime time.Time   `yaml:"commitTime" jsonschema:"description=time of the commit in UTC: 2025-08-27T10:09:04Z"`
	Passes     []Pass      `yaml:"passes" jsonschema:"minItems=1,description=the passes whose build date is known"`
	Published  []Published `yaml:"published,omitempty" jsonschema:"description=digests of the programs as they were published"`
}

// Pass is one of the passes in which a release is built, each with a build date of its own: the programs with its role.
type Pass struct {
	Role      Role      `yaml:"role" jsonschema:"description=role of the programs that are built in it"`
	BuildDate time.Time `yaml:"buildDate" jsonschema:"description=what its programs give as their build date in UTC: 2025-08-27T10:15:59Z"`
}

// Published is the digest of a published program.
type Published struct {
	Binary   string      `yaml:"binary" jsonschema:"description=the program under binaries"`
	Platform platform.ID `yaml:"platform" jsonschema:"type=string,description=OS/ARCH or OS/ARCH/VARIANT as under platforms"`
	SHA256   string      `yaml:"sha256" jsonschema:"description=64 lower-case hexadecimal digits"`
}

// Release returns what is known of the release with a version such as v1.34.0.
func (s *Spec) Release(version string) (Release, bool) {
	return find(s.Releases, func(r Release) bool { return r.Version == version })
}

// BuildDate returns the build date that b has in r; it is not ok where that is not known.
func (r Release) BuildDate(b Binary) (time.Time, bool) {
	p, ok := find(r.Passes, func(p Pass) bool { return slices.Contains(b.Roles, p.Role) })
	return p.BuildDate, ok
}

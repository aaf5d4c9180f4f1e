package spec

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/semver"
)

// checkTime refuses a time that is not written the way programs are stamped with it.
func checkTime(text string) error {
	if t, err := time.Parse(time.RFC3339, text); err != nil || t.UTC().Format(time.RFC3339) != text {
		return fmt.Errorf("%q is not a time in UTC such as 2025-08-27T10:15:59Z", text)
	}
	return nil
}

// isHex reports whether text is that many lower-case hexadecimal digits.
func isHex(text string, digits int) bool {
	return len(text) == digits && strings.Trim(text, "0123456789abcdef") == ""
}

func (c *checker) checkReleases(f *file, at report) {
	for i, r := range f.spec.Releases {
		where := fmt.Sprintf("releases[%d]", i)
		if semver.Canonical(r.Version) != r.Version || r.Version == "" {
			at(where+".version", "version", "%q is not of the form v1.2.3", r.Version)
		} else {
			c.declare(f, at, where, "release", r.Version)
		}
		if !isHex(r.Commit, 40) {
			at(where+".commit", "commit", "%q is not 40 lower-case hexadecimal digits", r.Commit)
		}
		if r.CommitTime.IsZero() {
			at(where, "commitTime", "missing")
		}
		c.checkPasses(at, where, r)
		c.checkPublished(at, where, r)
	}
}

func (c *checker) checkPasses(at report, where string, r Release) {
	if len(r.Passes) == 0 {
		at(where, "passes", "missing")
	}
	seen := map[Role]bool{}
	for j, p := range r.Passes {
		path := fmt.Sprintf("%s.passes[%d]", where, j)
		switch {
		case p.Role != Client && p.Role != Node && p.Role != Server:
			at(path+".role", "role", "%q is not one of client, node, server", p.Role)
		case seen[p.Role]:
			at(path+".role", "role", "the pass %s comes twice", p.Role)
		}
		seen[p.Role] = true
		switch {
		case p.BuildDate.IsZero():
			at(path, "buildDate", "missing")
		case p.BuildDate.Before(r.CommitTime):
			at(path+".buildDate", "buildDate", "%s is before the commit", p.BuildDate.Format(time.RFC3339))
		}
	}
}

func (c *checker) checkPublished(at report, where string, r Release) {
	seen := map[string]bool{}
	for j, p := range r.Published {
		path := fmt.Sprintf("%s.published[%d]", where, j)
		if b, ok := c.spec.Binary(p.Binary); !ok || len(b.Find) > 0 {
			at(path+".binary", "binary", "%q is not a declared program", p.Binary)
		}
		if _, ok := c.spec.Platform(p.Platform); !ok {
			at(path+".platform", "platform", "%q is not declared", p.Platform)
		}
		if !isHex(p.SHA256, 64) {
			at(path+".sha256", "sha256", "%q is not 64 lower-case hexadecimal digits", p.SHA256)
		}
		key := p.Binary + " " + p.Platform.String()
		if seen[key] {
			at(path, "binary", "%s of %s comes twice", p.Binary, p.Platform)
		}
		seen[key] = true
	}
}

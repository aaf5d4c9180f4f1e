package source

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"kubedist/pkg/hint"
)

// The states of a tree as hack/lib/version.sh of Kubernetes names them.
const (
	// StateClean is a tree that equals its commit: a checkout without changes, or a module whose commit was given.
	StateClean = "clean"
	// StateDirty is a checkout with changes or with files that git does not know.
	StateDirty = "dirty"
	// StateArchive is a tree without git: a module zip of unknown commit, an unpacked archive.
	StateArchive = "archive"
)

// Stamp is what a binary says about its own source.
type Stamp struct {
	// Version is a semantic version with its v: "v1.36.3", "v1.37.0-alpha.1", "v1.36.3-5+84c76d1142ea4d-dirty".
	Version string
	// Commit is the git commit in hex, "" when unknown.
	Commit string
	// TreeState is StateClean, StateDirty or StateArchive.
	TreeState string
	// BuildDate is the time that binaries carry as their build date, in UTC and whole seconds.
	BuildDate time.Time
	// CommitTime is the time of the source, in UTC and whole seconds; BuildDate where the source tells none.
	CommitTime time.Time
}

// Major returns the major version as Kubernetes stamps it: "1".
func (s Stamp) Major() string {
	return strings.TrimPrefix(semver.Major(s.Version), "v")
}

// Minor returns the minor version as Kubernetes stamps it: "36", with a "+" for everything that is no final release.
func (s Stamp) Minor() string {
	_, minor, _ := strings.Cut(semver.MajorMinor(s.Version), ".")
	if semver.Prerelease(s.Version) != "" {
		minor += "+"
	}
	return minor
}

// finish applies what the options say about a stamp and checks that it is whole.
func (s Stamp) finish(o Options) (Stamp, error) {
	if o.Commit != "" {
		if s.Commit != "" && s.Commit != o.Commit {
			return s, hint.Errorf("leave out the commit, or check out the one you mean", "commit %s: %w, which is at %s", o.Commit, ErrOtherVersion, s.Commit)
		}
		s.Commit = o.Commit
		if o.Directory == "" {
			// The zip of a tag holds the files of its commit, so with the commit known this is what a checkout is.
			s.TreeState = StateClean
		}
	}
	if !o.BuildDate.IsZero() {
		s.BuildDate = o.BuildDate
	} else {
		s.BuildDate = s.CommitTime
	}
	if s.CommitTime.IsZero() {
		s.CommitTime = s.BuildDate
	}
	if s.BuildDate.IsZero() {
		return s, hint.Errorf("set --build-date or SOURCE_DATE_EPOCH", "time of the source is unknown: only git and the module proxy tell it")
	}
	s.BuildDate = s.BuildDate.UTC().Truncate(time.Second)
	s.CommitTime = s.CommitTime.UTC().Truncate(time.Second)
	return s, nil
}

func isCommit(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

// The two shapes that git describe --abbrev=14 has away from a tag.
var (
	describedAfterPrerelease = regexp.MustCompile(`^(v[^-]*-[^-]*)-([0-9]+)-g([0-9a-f]{14})$`)
	describedAfterRelease    = regexp.MustCompile(`^(v[^-]*-[0-9]+)-g([0-9a-f]{14})$`)
)

// describedVersion turns the words of `git describe --tags --match=v* --abbrev=14` into a semantic version the way
// kube::version::get_version_vars in hack/lib/version.sh does: v1.36.3-5-g84c76d1142ea4d is v1.36.3-5+84c76d1142ea4d.
func describedVersion(described string, dirty bool) (string, error) {
	version := described
	if m := describedAfterPrerelease.FindStringSubmatch(described); m != nil {
		version = m[1] + "." + m[2] + "+" + m[3]
	} else if m := describedAfterRelease.FindStringSubmatch(described); m != nil {
		version = m[1] + "+" + m[2]
	}
	if dirty {
		version += "-dirty"
	}
	if !semver.IsValid(version) {
		return "", fmt.Errorf("version %q, described by git, is no semantic version", version)
	}
	return version, nil
}

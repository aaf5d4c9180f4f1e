package deb

import (
	"fmt"
	"strconv"
	"strings"
)

// VersionParts are the parts of a version, [epoch:]upstream[-revision] (Policy 5.6.12).
type VersionParts struct {
	Epoch    int // 0 when the version names none
	Upstream string
	Revision string // "" when the version has none: a native package
}

// ParseVersion takes a version apart and checks it as dpkg does: the epoch is a number that fits 31 bits, the upstream
// version begins with a digit, and only the characters of Policy 5.6.12 occur.
func ParseVersion(version string) (VersionParts, error) {
	var v VersionParts
	rest := version
	if epoch, after, found := strings.Cut(rest, ":"); found {
		n, err := strconv.ParseUint(epoch, 10, 31)
		if err != nil {
			return VersionParts{}, fmt.Errorf("version %q: epoch %q is no number below 2^31", version, epoch)
		}
		v.Epoch, rest = int(n), after
	}
	if i := strings.LastIndexByte(rest, '-'); i >= 0 {
		v.Revision, rest = rest[i+1:], rest[:i]
		if v.Revision == "" {
			return VersionParts{}, fmt.Errorf("version %q: empty revision", version)
		}
	}
	v.Upstream = rest
	if rest == "" || rest[0] < '0' || rest[0] > '9' {
		return VersionParts{}, fmt.Errorf("version %q: upstream version does not begin with a digit", version)
	}
	if c, bad := strange(v.Upstream, ".+-~:"); bad {
		return VersionParts{}, fmt.Errorf("version %q: character %q in the upstream version (Policy 5.6.12)", version, c)
	}
	if c, bad := strange(v.Revision, ".+~"); bad {
		return VersionParts{}, fmt.Errorf("version %q: character %q in the revision (Policy 5.6.12)", version, c)
	}
	return v, nil
}

// strange finds a character that is neither alphanumeric nor one of also.
func strange(s, also string) (byte, bool) {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !isDigit(c) && !isLetter(c) && strings.IndexByte(also, c) < 0 {
			return c, true
		}
	}
	return 0, false
}

// String puts the version together again. An epoch of 0 is left out.
func (v VersionParts) String() string {
	s := v.Upstream
	if v.Revision != "" {
		s += "-" + v.Revision
	}
	if v.Epoch != 0 {
		s = strconv.Itoa(v.Epoch) + ":" + s
	}
	return s
}

// Version is the Debian version of an upstream (semantic) version and a revision: "v1.36.0-rc.0" and "1.1" give
// "1.36.0~rc.0-1.1". The hyphen that starts a pre-release becomes a tilde, which sorts before the release itself. An
// empty revision gives a version without one.
func Version(upstream, revision string) string {
	upstream = strings.TrimPrefix(upstream, "v")
	release, metadata, _ := strings.Cut(upstream, "+")
	version := strings.Replace(release, "-", "~", 1)
	if metadata != "" {
		version += "+" + metadata
	}
	if revision != "" {
		version += "-" + revision
	}
	return version
}

// Compare orders two versions as dpkg does (Policy 5.6.12): negative when a is the earlier one, 0 when they are equal,
// positive when a is the later one. Versions that ParseVersion refuses have a place in the order too.
func Compare(a, b string) int {
	if a == b {
		return 0
	}
	epochA, upstreamA, revisionA := split(a)
	epochB, upstreamB, revisionB := split(b)
	if c := compareNumbers(epochA, epochB); c != 0 {
		return c
	}
	if c := comparePart(upstreamA, upstreamB); c != 0 {
		return c
	}
	return comparePart(revisionA, revisionB)
}

func split(version string) (epoch, upstream, revision string) {
	if before, after, found := strings.Cut(version, ":"); found {
		epoch, version = before, after
	}
	if i := strings.LastIndexByte(version, '-'); i >= 0 {
		return epoch, version[:i], version[i+1:]
	}
	return epoch, version, ""
}

// comparePart compares by turns a run of other characters and a run of digits.
func comparePart(a, b string) int {
	for a != "" || b != "" {
		for len(a) > 0 && !isDigit(a[0]) || len(b) > 0 && !isDigit(b[0]) {
			if c := weight(a) - weight(b); c != 0 {
				return c
			}
			a, b = a[1:], b[1:]
		}
		i, j := digits(a), digits(b)
		if c := compareNumbers(a[:i], b[:j]); c != 0 {
			return c
		}
		a, b = a[i:], b[j:]
	}
	return 0
}

// compareNumbers compares runs of digits of any length; none at all counts as zero.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// weight orders the first character of s: a tilde before the end, the end and digits before letters, letters before all
// others.
func weight(s string) int {
	switch {
	case s == "" || isDigit(s[0]):
		return 0
	case s[0] == '~':
		return -1
	case isLetter(s[0]):
		return int(s[0])
	}
	return int(s[0]) + 256
}

func digits(s string) int {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return i
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

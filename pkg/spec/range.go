package spec

import (
	"fmt"
	"strings"

	"golang.org/x/mod/semver"
)

// Range is a half-open interval of versions: From and everything after it, before Before. An empty end is unbounded.
// Both ends begin with the earliest pre-release of the version that they name, so ">=1.32" holds 1.32.0-alpha.1 and
// "<1.32" does not. Intervals, unlike free constraints, can be compared when they are loaded: overlapping ranges once
// made packages that could not be installed.
type Range struct {
	From, Before string // canonical semantic versions such as v1.32.0-0, or empty
}

// ParseRange reads ">=FROM", "<BEFORE", ">=FROM <BEFORE" or "*". Versions may leave out their patch level and "v".
func ParseRange(s string) (Range, error) {
	var r Range
	if strings.TrimSpace(s) == "*" {
		return r, nil
	}
	fields := strings.Fields(s)
	if len(fields) == 0 {
		return r, fmt.Errorf("range %q: empty; write \"*\" for all versions", s)
	}
	for _, field := range fields {
		end, text := &r.Before, ""
		if rest, ok := strings.CutPrefix(field, ">="); ok {
			end, text = &r.From, rest
		} else if rest, ok := strings.CutPrefix(field, "<"); ok && !strings.HasPrefix(rest, "=") {
			text = rest
		} else {
			return r, fmt.Errorf("range %q: %q is neither >=VERSION nor <VERSION", s, field)
		}
		version := semver.Canonical("v" + strings.TrimPrefix(text, "v"))
		if version == "" {
			return r, fmt.Errorf("range %q: %q is no version", s, text)
		}
		if *end != "" {
			return r, fmt.Errorf("range %q: two bounds on one side", s)
		}
		if semver.Prerelease(version) == "" {
			version += "-0"
		}
		*end = version
	}
	if r.From != "" && r.Before != "" && semver.Compare(r.From, r.Before) >= 0 {
		return r, fmt.Errorf("range %q: holds no version", s)
	}
	return r, nil
}

// Contains reports whether version, such as v1.36.3, lies in r. Build metadata is ignored.
func (r Range) Contains(version string) bool {
	return (r.From == "" || semver.Compare(version, r.From) >= 0) && (r.Before == "" || semver.Compare(version, r.Before) < 0)
}

// Overlaps reports whether a version lies in both r and o.
func (r Range) Overlaps(o Range) bool {
	return (r.Before == "" || o.From == "" || semver.Compare(o.From, r.Before) < 0) &&
		(o.Before == "" || r.From == "" || semver.Compare(r.From, o.Before) < 0)
}

// String writes r in the form that ParseRange takes.
func (r Range) String() string {
	var parts []string
	if r.From != "" {
		parts = append(parts, ">="+short(r.From))
	}
	if r.Before != "" {
		parts = append(parts, "<"+short(r.Before))
	}
	if len(parts) == 0 {
		return "*"
	}
	return strings.Join(parts, " ")
}

// short undoes what ParseRange adds to a version.
func short(version string) string {
	if semver.Prerelease(version) == "-0" {
		version = strings.TrimSuffix(version, "-0")
	}
	return strings.TrimPrefix(version, "v")
}

// UnmarshalText reads the form that ParseRange takes.
func (r *Range) UnmarshalText(text []byte) error {
	parsed, err := ParseRange(string(text))
	if err == nil {
		*r = parsed
	}
	return err
}

// MarshalText writes the form that ParseRange takes.
func (r Range) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// RelationsFor returns the one entry of p.Relations that holds version. None, or more than one, is an error; a package
// without entries has no dependencies.
func (p Package) RelationsFor(version string) (Relations, error) {
	var found []Relations
	for _, r := range p.Relations {
		if r.Versions.Contains(version) {
			found = append(found, r)
		}
	}
	switch {
	case len(p.Relations) == 0:
		return Relations{}, nil
	case len(found) == 1:
		return found[0], nil
	}
	return Relations{}, fmt.Errorf("package %s: %d of %d ranges under relations hold version %s, exactly one must", p.Name, len(found), len(p.Relations), version)
}

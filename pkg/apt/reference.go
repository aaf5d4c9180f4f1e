package apt

import (
	"fmt"
	"slices"
	"strings"
)

// Reference names a state of a suite: what the suite is, or what it was when a snapshot was taken.
type Reference struct {
	Suite    string
	Snapshot string // "" is now
}

// ParseReference reads SUITE or SUITE@SNAPSHOT.
func ParseReference(text string) (Reference, error) {
	suite, snapshot, kept := strings.Cut(text, "@")
	if err := checkWord(suite); err != nil {
		return Reference{}, fmt.Errorf("suite %q: %w", text, err)
	}
	if kept {
		if err := checkWord(snapshot); err != nil {
			return Reference{}, fmt.Errorf("suite %q: snapshot: %w", text, err)
		}
	}
	return Reference{suite, snapshot}, nil
}

// String is what ParseReference reads.
func (r Reference) String() string {
	if r.Snapshot == "" {
		return r.Suite
	}
	return r.Suite + "@" + r.Snapshot
}

// resolve finds the suite that is meant: any that is on the disk or in the definition, or one of a snapshot.
func (t *tree) resolve(r Reference) (*suite, error) {
	from := t.suites
	if r.Snapshot != "" {
		var err error
		if from, err = t.openSnapshot(r.Snapshot); err != nil {
			return nil, err
		}
	}
	i := slices.IndexFunc(from, func(s *suite) bool { return s.name == r.Suite })
	if i < 0 && r.Snapshot != "" {
		return nil, fmt.Errorf("snapshot %s: has no suite %s", r.Snapshot, r.Suite)
	}
	if i < 0 {
		return nil, fmt.Errorf("suite %s: the archive has none of that name", r.Suite)
	}
	return from[i], nil
}

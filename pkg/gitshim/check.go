package gitshim

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"go/version"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"kubedist/pkg/hint"
)

// ErrNotStamped is a binary that does not carry the stamp it was built with.
var ErrNotStamped = errors.New("version control stamp is not the one of the tree")

// maxReported is how many questions an error lists.
const maxReported = 3

// Check returns nil when every question so far had an answer, and otherwise an error that wraps ErrUnanswered and names
// them. It is to be called after each build, failed ones included: it knows the cause where go only says "exit status 128",
// and go says nothing at all when the question was about the version of the module.
func (s *Shim) Check() error {
	notes, err := readNotes(s.notes)
	if err != nil || len(notes) == 0 {
		return err
	}
	var errs []error
	for _, n := range notes[:min(len(notes), maxReported)] {
		errs = append(errs, n.err())
	}
	if more := len(notes) - maxReported; more > 0 {
		errs = append(errs, fmt.Errorf("and %d more", more))
	}
	return fmt.Errorf("version control stamp: %w", errors.Join(errs...))
}

// CheckBinary returns nil when the program at path carries the stamp, by its own build information, and otherwise an
// error that wraps ErrNotStamped and says what differs. The version of the main module is compared in programs of the
// tree's own module; those of other modules of its workspace have none.
func (s *Shim) CheckBinary(path string) error {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the version control stamp of %s: %w", path, err)
	}
	if differ := s.differences(info); len(differ) > 0 {
		return hint.Errorf("check that go runs in "+s.Tree()+" with -buildvcs=true, and that GOWORK lies there too",
			"%s: %w: %s", path, ErrNotStamped, strings.Join(differ, ", "))
	}
	return nil
}

// differences lists what of the stamp is missing or otherwise in a binary.
func (s *Shim) differences(info *debug.BuildInfo) []string {
	stamp := s.order.stamp()
	have := map[string]string{}
	for _, setting := range info.Settings {
		have[setting.Key] = setting.Value
	}
	var differ []string
	compare := func(key, have, want string) {
		if have != want {
			differ = append(differ, key+" is "+strconv.Quote(have)+", not "+strconv.Quote(want))
		}
	}
	compare("vcs", have["vcs"], "git")
	compare("vcs.revision", have["vcs.revision"], stamp.Commit)
	compare("vcs.time", have["vcs.time"], stamp.Time.UTC().Format(time.RFC3339Nano))
	compare("vcs.modified", have["vcs.modified"], "false")
	// Go 1.24 knows no version of a module v2 or later in its checkout, see moduleOf.
	knows := semver.Major(stamp.Tag) <= "v1" || version.Compare(info.GoVersion, "go1.25") >= 0
	if info.Main.Path == s.module && knows {
		compare("version of "+s.module, info.Main.Version, stamp.Tag)
	}
	return differ
}

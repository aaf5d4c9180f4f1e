// Package gitshim is a stand-in for git that gives a source tree without a checkout the version control stamp of the
// commit it was made from. The go command takes that stamp (vcs, vcs.revision, vcs.time, vcs.modified and the version
// of the main module; see "go help buildvcs" and runtime/debug.BuildInfo) from git alone. Without it, or with a
// revision but no tag, a binary differs from one that was built in a checkout.
//
// The stand-in is this program under another name, first on the PATH of one build:
//
//	shim, err := gitshim.Prepare(gitshim.Options{Tree: dir, Scratch: scratch, Executable: self, Stamp: stamp})
//	…
//	command := gocmd.Command{Dir: shim.Tree(), Env: append(env, shim.Env(g.Environ())...), Args: []string{"build", "-buildvcs=true", …}}
//	err = errors.Join(g.Run(ctx, command), shim.Check())
//	…
//	err = shim.CheckBinary(built)
//
// The go command must run in Tree, and GOWORK must name a file there: when the directory it runs in and that of the main
// module are the same by another name (a symbolic link on the way), it leaves the stamp out without a word.
// -buildvcs=true makes an error of most failures; go swallows some, which is what Check and CheckBinary are for: a build
// that they refuse must not be released. The program's main hands over to [Answer] when [Asked] says so, before it does
// anything else.
//
// The answers are those of a repository that holds one commit, checked out unchanged as a detached HEAD, with one
// lightweight tag and no branch: what `git clone --depth 1 --branch TAG` makes of a release. The package knows the
// questions of Go 1.24 to 1.26 and refuses to guess: a question that it does not know, or that is about another
// directory, gets no answer, and Check reports it. It never runs git, and it is not for a tree with a checkout, where git
// itself is the one to ask.
package gitshim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"kubedist/pkg/hint"
)

// Stamp is the commit that a tree was made from.
type Stamp struct {
	// Commit is the commit's full name in lower-case hex: 40 digits, or 64 in a repository of SHA-256.
	Commit string
	// Time is when it was committed (not authored), in whole seconds.
	Time time.Time
	// Tag is the release that points at it, a canonical semantic version such as v1.34.0.
	Tag string
}

// check refuses what no commit has, and tags that the go command takes no version from.
func (s Stamp) check() error {
	const inFull = "give it in full, as git rev-parse prints it"
	switch {
	case (len(s.Commit) != 40 && len(s.Commit) != 64) || strings.Trim(s.Commit, "0123456789abcdef") != "":
		return hint.Errorf(inFull, "commit %q of the version control stamp is no git commit", s.Commit)
	case s.Time.IsZero() || s.Time.Nanosecond() != 0:
		return fmt.Errorf("commit time %s of the version control stamp is not one in whole seconds", s.Time.Format(time.RFC3339Nano))
	case s.Tag == "" || semver.Canonical(s.Tag) != s.Tag || module.IsPseudoVersion(s.Tag):
		return hint.Errorf("name the release in full, such as v1.34.0", "tag %q of the version control stamp is no release", s.Tag)
	}
	return nil
}

// maxOrder bounds the file of an order.
const maxOrder = 64 << 10

// order is what the build leaves for the stand-in in the file that StampVariable names: JSON, since the two are the
// same program.
type order struct {
	Commit string `json:"commit"`
	Time   int64  `json:"time"` // seconds since 1970
	Tag    string `json:"tag"`
	// Tree is the directory that the stamp is about, absolute and without symbolic links.
	Tree string `json:"tree"`
	// Notes is the file that unanswered questions are noted in.
	Notes string `json:"notes"`
}

func (o order) stamp() Stamp { return Stamp{Commit: o.Commit, Time: time.Unix(o.Time, 0), Tag: o.Tag} }

// readOrder reads and checks an order.
func readOrder(name string) (order, error) {
	f, err := os.Open(name)
	if err != nil {
		return order{}, fmt.Errorf("reading the version control stamp: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxOrder+1))
	if err != nil {
		return order{}, fmt.Errorf("reading the version control stamp: %w", err)
	}
	o, err := parseOrder(data)
	if err != nil {
		return order{}, fmt.Errorf("version control stamp %s: %w", name, err)
	}
	return o, nil
}

func parseOrder(data []byte) (order, error) {
	if len(data) > maxOrder {
		return order{}, fmt.Errorf("longer than %d bytes", maxOrder)
	}
	var o order
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&o); err != nil {
		return order{}, err
	}
	if o.Tree == "" || o.Notes == "" {
		return order{}, fmt.Errorf("names no tree or no file for notes")
	}
	return o, o.stamp().check()
}

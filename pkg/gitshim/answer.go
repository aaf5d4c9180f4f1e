package gitshim

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"kubedist/pkg/hint"
)

// StampVariable is the variable of the environment that turns a program called git into the stand-in. Its value is a
// file of Prepare.
const StampVariable = "KUBEDIST_GIT_STAMP"

// statusNone is git's exit status when it cannot do what it was asked: 1 would be an answer to some questions.
const statusNone = 128

var (
	errUnknown   = errors.New("not a question that kubedist knows of a Go release")
	errElsewhere = errors.New("not about the tree that is built")
)

// Asked tells whether a program that was started as arg0 is to be the stand-in, and by which stamp file. Both the name
// and the environment must say so: a kubedist that somebody calls git, and one that a build starts under its own name,
// are themselves.
func Asked(arg0 string, getenv func(string) string) (stampFile string, ok bool) {
	name := strings.TrimSuffix(filepath.Base(arg0), ".exe")
	stampFile = getenv(StampVariable)
	return stampFile, name == "git" && stampFile != ""
}

// Answer is git: it answers args, those behind the program's name, in the working directory dir and returns the exit
// status. A question without an answer is reported on stderr, and noted for Shim.Check where go keeps that to itself.
func Answer(stampFile, dir string, args []string, stdout, stderr io.Writer) (status int) {
	o, err := readOrder(stampFile)
	if err != nil {
		complain(stderr, err)
		return statusNone
	}
	r, err := o.answer(dir, args)
	if err != nil {
		n := note{Args: args, Dir: dir, Why: err.Error(), Elsewhere: errors.Is(err, errElsewhere)}
		complain(stderr, n.err())
		if err := n.write(o.Notes); err != nil {
			complain(stderr, err)
		}
		return statusNone
	}
	if _, err := io.WriteString(stdout, r.stdout); err != nil {
		complain(stderr, fmt.Errorf("answering go: %w", err))
		return statusNone
	}
	fmt.Fprint(stderr, r.stderr)
	return r.status
}

// complain says what went wrong to whoever reads go's output.
func complain(stderr io.Writer, err error) {
	fmt.Fprintf(stderr, "git of kubedist: %v\n", err)
	if next := hint.Of(err); next != "" {
		fmt.Fprintf(stderr, "hint: %s\n", next)
	}
}

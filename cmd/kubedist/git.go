package main

import (
	"fmt"
	"io"

	"kubedist/pkg/gitshim"
)

// standIn answers as git when a build started this program in git's place, see package gitshim; args are os.Args. It
// reports whether it did.
func standIn(args []string, getenv func(string) string, getwd func() (string, error), stdout, stderr io.Writer) (status int, did bool) {
	if len(args) == 0 {
		return 0, false
	}
	stampFile, asked := gitshim.Asked(args[0], getenv)
	if !asked {
		return 0, false
	}
	dir, err := getwd()
	if err != nil {
		fmt.Fprintf(stderr, "kubedist: directory that git is asked about: %v\n", err)
		return exitFailure, true
	}
	return gitshim.Answer(stampFile, dir, args[1:], stdout, stderr), true
}

package gocmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"kubedist/pkg/process"
)

// Command is one run of the go command.
type Command struct {
	// Dir is the directory to run in; it must be given, the one of this process is never used.
	Dir string
	// Args follow "go": the subcommand first.
	Args []string
	// Env goes on top of the pinned environment, KEY=VALUE.
	Env []string
	// Inside changes the process before it is started, to run the command in another root: its path, arguments, directory,
	// environment and system attributes. Scratch is the directory for temporary files that the environment names. nil runs
	// it on the machine itself.
	Inside func(cmd *exec.Cmd, scratch string) error
	// Stdout and Stderr receive the output as it comes; nil discards it. The end of the standard error is kept for
	// the error in any case.
	Stdout, Stderr io.Writer
}

// Run runs c to its end. A failing command gives an *Error with what it wrote and, where the failure is a known one,
// a hint. When ctx ends, the command gets SIGTERM with all processes it started, SIGKILL after five seconds, and Run
// returns the cause of ctx's end. Temporary files of go, the linker and the C compiler are gone when Run returns; they
// are left in Options.TempDir, below names that begin with "kubedist-go-", when this process is killed.
//
// On Linux the go command does not outlive this process, even when that is killed. A compiler or linker that it runs at
// that moment comes to its own end, a matter of seconds, and nothing takes up what it wrote.
func (g *Go) Run(ctx context.Context, c Command) error {
	scratch, environ, err := scratchDir(g.tempDir, g.Environ(c.Env...))
	if err != nil {
		return explain(c, "", err)
	}
	defer os.RemoveAll(scratch)
	return g.run(ctx, c, environ, scratch)
}

// Output is Run that returns the standard output.
func (g *Go) Output(ctx context.Context, c Command) ([]byte, error) {
	var out bytes.Buffer
	c.Stdout = &out
	err := g.Run(ctx, c)
	return out.Bytes(), err
}

// run is Run with the environment environ and nothing more, which names scratch for temporary files.
func (g *Go) run(ctx context.Context, c Command, environ []string, scratch string) error {
	if c.Dir == "" {
		return errors.New("go command without a directory to run in")
	}
	errs := &process.Excerpt{}
	cmd := exec.CommandContext(ctx, g.path, c.Args...)
	cmd.Dir, cmd.Env = c.Dir, environ
	cmd.Stdout, cmd.Stderr = c.Stdout, io.Writer(errs)
	if c.Stderr != nil {
		cmd.Stderr = io.MultiWriter(errs, c.Stderr)
	}
	process.Isolate(cmd)
	if c.Inside != nil {
		if err := c.Inside(cmd, scratch); err != nil {
			return fmt.Errorf("go %s in another root: %w", c.name(), err)
		}
	}
	err := process.Run(ctx, cmd)
	if ctx.Err() != nil {
		return fmt.Errorf("go %s: %w", c.name(), context.Cause(ctx))
	}
	if err != nil {
		return explain(c, errs.String(), err)
	}
	return nil
}

// scratchDir makes the directory for the temporary files of one command, below parent. A killed go command leaves its
// work directory behind, hundreds of megabytes in the middle of a build; this way it is known and can be removed: by Run
// when the go command was killed, by who named parent when this process was.
func scratchDir(parent string, environ []string) (string, []string, error) {
	if parent == "" {
		parent, _ = lookup(environ, "GOTMPDIR")
	}
	if parent == "" {
		parent, _ = lookup(environ, "TMPDIR")
	}
	dir, err := os.MkdirTemp(parent, "kubedist-go-")
	if err != nil {
		return "", nil, fmt.Errorf("making a directory for temporary files: %w", err)
	}
	return dir, override(environ, "GOTMPDIR="+dir, "TMPDIR="+dir), nil
}

// name is how errors call the command: its subcommand, for `go mod` and `go work` with the next word.
func (c Command) name() string {
	switch {
	case len(c.Args) == 0:
		return "command"
	case len(c.Args) > 1 && (c.Args[0] == "mod" || c.Args[0] == "work"):
		return c.Args[0] + " " + c.Args[1]
	}
	return c.Args[0]
}

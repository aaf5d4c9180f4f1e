package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kubedist/pkg/apt"
	"kubedist/pkg/hint"
)

// operation is one change to an archive.
type operation interface {
	// run changes the transaction.
	run(context.Context, *session) error
}

// wordedOperation is an operation that can be written as words: repo add, remove, copy and rollback do one each; repo apply
// does those that a file lists, in one transaction.
type wordedOperation interface {
	operation
	// addFlags registers the operation's own flags.
	addFlags(*pflag.FlagSet)
	// take reads the arguments, before the archive is locked.
	take(args []string) error
}

// session is what operations work on.
type session struct {
	env        *environment
	tx         *apt.Transaction
	definition *apt.Definition
	options    apt.PublishOptions // with which it is to be published
	changes    changes
}

// changes is what the operations of one transaction did.
type changes struct {
	Added      []apt.Added             `json:"added,omitempty"`
	Removed    []removedPackage        `json:"removed,omitempty"`
	Copied     []copiedPackage         `json:"copied,omitempty"`
	RolledBack map[string][]apt.Change `json:"rolledBack,omitempty"`
	Snapshots  []*apt.Snapshot         `json:"snapshots,omitempty"`
}

// removedPackage is one line about a package that a suite lost.
type removedPackage struct {
	Suite        string `json:"suite"`
	Package      string `json:"package"`
	Version      string `json:"version"`
	Architecture string `json:"architecture"`
}

// copiedPackage is one line about a package that a suite got from another one.
type copiedPackage struct {
	From string `json:"from"`
	To   string `json:"to"`
	apt.Copied
}

// newOperationCommand completes the command of one operation: its flags, those of publishing, and what it runs.
func newOperationCommand(env *environment, op wordedOperation, cmd *cobra.Command) *cobra.Command {
	o := &publishingOptions{}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		frugal(env) // before the arguments, which may be directories of a hundred thousand packages
		if err := op.take(args); err != nil {
			return err
		}
		return runOperations(cmd.Context(), env, o, op)
	}
	o.addFlags(cmd)
	op.addFlags(cmd.Flags())
	return cmd
}

// runOperations runs operations in one transaction, and publishes.
func runOperations(ctx context.Context, env *environment, o *publishingOptions, operations ...operation) error {
	options, err := o.options(ctx, env)
	if err != nil {
		return err
	}
	tx, d, err := o.archive.begin(ctx, env)
	if err != nil {
		return err
	}
	defer tx.Close()
	s := &session{env: env, tx: tx, definition: d, options: options}
	for _, op := range operations {
		if err := op.run(ctx, s); err != nil {
			return err
		}
	}
	return publishAndPrint(ctx, o, s)
}

// publishAndPrint ends a transaction and says what came of it.
func publishAndPrint(ctx context.Context, o *publishingOptions, s *session) error {
	if o.dryRun {
		return previewAndPrint(ctx, o, s)
	}
	result, err := s.tx.Publish(ctx, s.options)
	if err != nil {
		return hintForce(err)
	}
	if err := s.tx.Close(); err != nil {
		return err
	}
	for _, w := range result.Warnings {
		fmt.Fprintf(s.env.Stderr, "warning: %s\n", w)
	}
	if o.json {
		return writeJSON(s.env.Stdout, struct {
			changes
			*apt.Result
		}{s.changes, result})
	}
	// Line by line, ten thousand packages would take longer to print than to read.
	out := bufio.NewWriter(s.env.Stdout)
	s.changes.print(out)
	printPublished(out, result)
	_ = out.Flush()
	return nil
}

func (c *changes) print(w io.Writer) {
	for _, s := range c.Snapshots {
		fmt.Fprintf(w, "snapshot %s: %s\n", s.Name, snapshotLine(*s))
	}
	for _, a := range c.Added {
		switch a.Outcome {
		case apt.OutcomeAdded:
			fmt.Fprintf(w, "added    %s %s %s: %v\n", a.Package, a.Version, a.Architecture, a.Suites)
		case apt.OutcomeKept:
			fmt.Fprintf(w, "kept     %s %s %s: the archive has other contents\n", a.Package, a.Version, a.Architecture)
		case apt.OutcomePresent:
			fmt.Fprintf(w, "present  %s %s %s\n", a.Package, a.Version, a.Architecture)
		}
	}
	for _, r := range c.Removed {
		fmt.Fprintf(w, "removed  %s %s %s: %s\n", r.Package, r.Version, r.Architecture, r.Suite)
	}
	for _, p := range c.Copied {
		verb := "copied "
		if p.Present {
			verb = "present"
		}
		fmt.Fprintf(w, "%s  %s %s %s: %s -> %s\n", verb, p.Package, p.Version, p.Architecture, p.From, p.To)
	}
	for _, suite := range slices.Sorted(maps.Keys(c.RolledBack)) {
		for _, change := range c.RolledBack[suite] {
			fmt.Fprintf(w, "%-8s %s %s %s: %s\n", change.Kind, change.Package, change.Version, strings.Join(change.Architectures, " "), suite)
		}
	}
}

func printPublished(w io.Writer, result *apt.Result) {
	for _, r := range result.Retired {
		fmt.Fprintf(w, "retired  %s %s %s: %s, by %s\n", r.Package, r.Version, r.Architecture, r.Suite, r.Rule)
	}
	for _, s := range result.Suites {
		if s.Published {
			fmt.Fprintf(w, "suite %s: published, %s, valid until %s\n", s.Suite, s.Reason, s.ValidUntil.UTC().Format("2006-01-02"))
		} else {
			fmt.Fprintf(w, "suite %s: unchanged, valid until %s\n", s.Suite, s.ValidUntil.UTC().Format("2006-01-02"))
		}
	}
	if len(result.Suites) == 0 {
		fmt.Fprintln(w, "no suite has a package yet: nothing is published")
	}
}

// parseSelectors reads relations.
func parseSelectors(args []string) ([]apt.Selector, error) {
	selectors := make([]apt.Selector, len(args))
	for i, arg := range args {
		var err error
		if selectors[i], err = apt.ParseSelector(arg); err != nil {
			return nil, usageError(err)
		}
	}
	return selectors, nil
}

// inputError marks an error as the input's, unless it came from the disk.
func inputError(err error) error {
	var disk *fs.PathError
	if errors.As(err, &disk) {
		return err
	}
	return usageError(err)
}

// hintSuites names the suites to someone who has to name them.
func hintSuites(err error, d *apt.Definition) error {
	if !errors.Is(err, apt.ErrNoSuite) {
		return err
	}
	names := ""
	for _, s := range d.Suites {
		names += " " + s.Name
	}
	return hint.With(err, "name suites with --suite; the archive has"+names)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"kubedist/pkg/apt"
	"kubedist/pkg/hint"
)

// repoDiffOptions are the flags of repo diff.
type repoDiffOptions struct {
	publishing publishingOptions
	exitCode   bool
}

func newRepoDiffCommand(env *environment) *cobra.Command {
	o := &repoDiffOptions{}
	cmd := &cobra.Command{
		Use:   "diff [FROM TO]",
		Short: "Show what publishing would change, or in what two suites differ",
		Long: `Without arguments shows what repo publish would change: what the definition and the keys change in which suites,
and why. For other changes every command has --dry-run; for a list of them there is repo apply --dry-run.

With two suites shows what the second lists and the first does not (+), and the other way round (-). Each may be a
suite of a snapshot, written SUITE@SNAPSHOT.

Exit status: 0 done, 1 could not look, or publishing would be refused, 2 bad option; with --exit-code 3 when there is a
difference.`,
		Example: `  kubedist repo diff
  kubedist repo diff stable@before-1.36.3 stable
  kubedist repo diff testing stable --exit-code`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return runRepoDiff(cmd.Context(), env, o, args) },
	}
	o.publishing.addPublishFlags(cmd)
	cmd.Flags().BoolVar(&o.exitCode, "exit-code", false, "exit with status 3 when there is a difference")
	return cmd
}

func runRepoDiff(ctx context.Context, env *environment, o *repoDiffOptions, args []string) error {
	switch len(args) {
	case 0:
		return diffPublish(ctx, env, o)
	case 2:
		return diffSuites(ctx, env, o, args[0], args[1])
	}
	return usageError(hint.Errorf("name two suites, or none for what publishing would change", "repo diff: takes FROM and TO, got %s", count(len(args), "argument")))
}

// diffPublish shows what publishing would change.
func diffPublish(ctx context.Context, env *environment, o *repoDiffOptions) error {
	options, err := o.publishing.options(ctx, env)
	if err != nil {
		return err
	}
	tx, d, err := o.publishing.archive.begin(ctx, env)
	if err != nil {
		return err
	}
	defer tx.Close()
	changed, err := preview(ctx, &o.publishing, &session{env: env, tx: tx, definition: d, options: options})
	if err == nil && changed && o.exitCode {
		return checkError(errors.New("publishing would change the archive"))
	}
	return err
}

// diffSuites compares two suites.
func diffSuites(ctx context.Context, env *environment, o *repoDiffOptions, from, to string) error {
	d, err := o.publishing.archive.load()
	if err != nil {
		return usageError(err)
	}
	var references [2]apt.Reference
	for i, text := range []string{from, to} {
		if references[i], err = apt.ParseReference(text); err != nil {
			return usageError(err)
		}
	}
	changes, err := apt.Diff(ctx, apt.Options{Root: o.publishing.archive.root, Definition: d}, references[0], references[1])
	if err != nil {
		return inputError(err)
	}
	if o.publishing.json {
		err = writeJSON(env.Stdout, changes)
	} else {
		printChanges(env.Stdout, "", changes)
	}
	if err == nil && len(changes) > 0 && o.exitCode {
		return checkError(fmt.Errorf("suites %s and %s: %s", from, to, count(len(changes), "difference")))
	}
	return err
}

// printChanges writes a line to each change.
func printChanges(w io.Writer, indent string, changes []apt.Change) {
	signs := map[apt.ChangeKind]string{apt.ChangeAdded: "+", apt.ChangeRemoved: "-", apt.ChangeReplaced: "!"}
	for _, c := range changes {
		fmt.Fprintf(w, "%s%s %s %s  %s\n", indent, signs[c.Kind], c.Package, c.Version, strings.Join(c.Architectures, " "))
	}
}

// previewAndPrint is publishAndPrint for --dry-run.
func previewAndPrint(ctx context.Context, o *publishingOptions, s *session) error {
	_, err := preview(ctx, o, s)
	if err == nil && !o.json {
		fmt.Fprintln(s.env.Stdout, "nothing was published: this was a dry run")
	}
	return err
}

// preview prints what the transaction would change, and reports whether that is anything.
func preview(ctx context.Context, o *publishingOptions, s *session) (changed bool, err error) {
	v, err := s.tx.Preview(ctx, s.options)
	if v == nil {
		return false, err
	}
	for _, w := range v.Warnings {
		fmt.Fprintf(s.env.Stderr, "warning: %s\n", w)
	}
	if o.json {
		err = errors.Join(err, writeJSON(s.env.Stdout, struct {
			changes
			*apt.Preview
		}{s.changes, v}))
	} else {
		printPreview(s.env.Stdout, v)
	}
	changed = len(v.Pool)+len(v.Files)+len(v.Snapshots) > 0
	for _, suite := range v.Suites {
		changed = changed || suite.Publish
	}
	return changed, errors.Join(err, s.tx.Close())
}

func printPreview(w io.Writer, v *apt.Preview) {
	for _, name := range v.Snapshots {
		fmt.Fprintf(w, "snapshot %s: would be kept\n", name)
	}
	for _, s := range v.Suites {
		if !s.Publish {
			fmt.Fprintf(w, "suite %s: would stay, valid until %s\n", s.Suite, s.ValidUntil.UTC().Format("2006-01-02"))
			continue
		}
		fmt.Fprintf(w, "suite %s: would be published, %s, valid until %s\n", s.Suite, s.Reason, s.ValidUntil.UTC().Format("2006-01-02"))
		printChanges(w, "  ", s.Packages)
		for _, f := range s.Fields {
			fmt.Fprintf(w, "  %s: %q, was %q\n", f.Field, f.New, f.Old)
		}
		if len(s.Files) > 0 {
			fmt.Fprintf(w, "  %s of the suite\n", count(len(s.Files), "file"))
		}
	}
	if len(v.Suites) == 0 {
		fmt.Fprintln(w, "no suite has a package yet: nothing would be published")
	}
	var bytes int64
	for _, f := range v.Pool {
		bytes += f.Size
	}
	if len(v.Pool) > 0 {
		fmt.Fprintf(w, "pool: %s would be new, %d bytes\n", count(len(v.Pool), "file"), bytes)
	}
	for _, name := range v.Files {
		fmt.Fprintf(w, "%s: would be written\n", name)
	}
}

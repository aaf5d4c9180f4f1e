package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kubedist/pkg/apt"
	"kubedist/pkg/hint"
)

// snapshotOperation keeps the state of suites.
type snapshotOperation struct {
	name   string
	suites []string
}

// snapshotOptions are the flags of the commands about snapshots.
type snapshotOptions struct {
	archive archiveOptions
	dryRun  bool
	json    bool
}

func (o *snapshotOptions) addFlags(cmd *cobra.Command) {
	o.archive.addLookFlags(cmd)
	cmd.Flags().BoolVar(&o.json, "json", false, "print the result as JSON")
}

func newRepoSnapshotCommand(env *environment) *cobra.Command {
	o, op := &snapshotOptions{}, &snapshotOperation{}
	cmd := &cobra.Command{
		Use:   "snapshot NAME",
		Short: "Keep the state of suites under a name",
		Long: `Keeps what suites list now, under a name to which repo rollback can bring them back, and with which repo diff and
repo copy can work, as SUITE@NAME. It takes links to the Release files and the indices; the packages stay in the pool,
where repo gc leaves them. Nothing is signed, so no key is needed.`,
		Example: `  kubedist repo snapshot before-1.36.3
  kubedist repo snapshot 2026-07 --suite stable,v1.36
  kubedist repo snapshot list
  kubedist repo snapshot remove 2026-07`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			if err := op.take(args); err != nil {
				return err
			}
			return runRepoSnapshot(cmd.Context(), env, o, op)
		},
	}
	o.addFlags(cmd)
	op.addFlags(cmd.Flags())
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "say what would be kept, and keep nothing")
	cmd.AddCommand(newRepoSnapshotListCommand(env), newRepoSnapshotRemoveCommand(env))
	return cmd
}

func (o *snapshotOperation) addFlags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.suites, "suite", nil, "suites to keep (default: all that are published)")
}

func (o *snapshotOperation) take(args []string) error {
	if len(args) != 1 {
		return usageError(hint.Errorf("write it as: snapshot NAME", "snapshot: takes one name, got %s", count(len(args), "argument")))
	}
	o.name = args[0]
	return nil
}

func (o *snapshotOperation) run(ctx context.Context, s *session) error {
	if c := s.changes; len(c.Added)+len(c.Removed)+len(c.Copied)+len(c.RolledBack) > 0 {
		return usageError(hint.Errorf("put it before them", "snapshot %s: would not have what the operations above it change", o.name))
	}
	kept, err := s.tx.Snapshot(ctx, apt.SnapshotOptions{Name: o.name, Suites: o.suites})
	if err != nil {
		return inputError(err)
	}
	s.changes.Snapshots = append(s.changes.Snapshots, kept)
	return nil
}

func runRepoSnapshot(ctx context.Context, env *environment, o *snapshotOptions, op *snapshotOperation) error {
	tx, d, err := o.archive.begin(ctx, env)
	if err != nil {
		return err
	}
	defer tx.Close()
	s := &session{env: env, tx: tx, definition: d}
	if err := op.run(ctx, s); err != nil {
		return err
	}
	if !o.dryRun {
		if err := tx.SaveSnapshots(ctx, env.Now()); err != nil {
			return err
		}
	}
	if err := tx.Close(); err != nil {
		return err
	}
	if o.json {
		return writeJSON(env.Stdout, s.changes)
	}
	s.changes.print(env.Stdout)
	return nil
}

// snapshotLine describes a snapshot in a few words.
func snapshotLine(s apt.Snapshot) string {
	words := make([]string, len(s.Suites))
	for i, suite := range s.Suites {
		words[i] = fmt.Sprintf("%s of %s (%s)", suite.Suite, suite.Date.UTC().Format("2006-01-02 15:04"), count(suite.Packages, "package"))
	}
	return strings.Join(words, ", ")
}

func newRepoSnapshotListCommand(env *environment) *cobra.Command {
	o := &snapshotOptions{}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the snapshots of an archive",
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return runRepoSnapshotList(cmd.Context(), env, o) },
	}
	o.addFlags(cmd)
	return cmd
}

func runRepoSnapshotList(ctx context.Context, env *environment, o *snapshotOptions) error {
	d, err := o.archive.load()
	if err != nil {
		return usageError(err)
	}
	snapshots, err := apt.Snapshots(ctx, apt.Options{Root: o.archive.root, Definition: d})
	if err != nil {
		return err
	}
	if o.json {
		return writeJSON(env.Stdout, snapshots)
	}
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SNAPSHOT\tSUITE\tPUBLISHED\tPACKAGES")
	for _, s := range snapshots {
		for _, suite := range s.Suites {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\n", s.Name, suite.Suite, suite.Date.UTC().Format("2006-01-02 15:04:05"), suite.Packages)
		}
	}
	return w.Flush()
}

func newRepoSnapshotRemoveCommand(env *environment) *cobra.Command {
	o := &snapshotOptions{}
	cmd := &cobra.Command{
		Use:   "remove NAME...",
		Short: "Remove snapshots",
		Long:  `Removes snapshots. The packages that they alone needed stay in the pool until repo gc.`,
		Args:  someArgs("NAME..."),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRepoSnapshotRemove(cmd.Context(), env, o, args)
		},
	}
	o.archive.addLookFlags(cmd)
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "say what would be removed, and remove nothing")
	return cmd
}

func runRepoSnapshotRemove(ctx context.Context, env *environment, o *snapshotOptions, names []string) error {
	tx, _, err := o.archive.begin(ctx, env)
	if err != nil {
		return err
	}
	defer tx.Close()
	verb := "removed"
	if o.dryRun {
		verb = "to remove:"
	}
	for _, name := range names {
		if err := tx.RemoveSnapshot(ctx, apt.RemoveSnapshotOptions{Name: name, DryRun: o.dryRun}); err != nil {
			return inputError(err)
		}
		fmt.Fprintf(env.Stdout, "%s snapshot %s\n", verb, name)
	}
	return tx.Close()
}

// rollbackOperation makes suites what they were.
type rollbackOperation struct {
	snapshot string
	suites   []string
}

func newRepoRollbackCommand(env *environment) *cobra.Command {
	return newOperationCommand(env, &rollbackOperation{}, &cobra.Command{
		Use:   "rollback [SUITE...] NAME",
		Short: "Make suites what they were when a snapshot was taken, and publish",
		Long: `Makes suites, or all that the snapshot has, list what they listed when it was taken. They are signed with a new
date, for clients do not go back to an older one; several change together. What clients have installed since stays
installed there.`,
		Example: `  kubedist repo rollback before-1.36.3
  kubedist repo rollback stable v1.36 before-1.36.3 --dry-run`,
		Args: someArgs("NAME"),
	})
}

func (o *rollbackOperation) addFlags(*pflag.FlagSet) {}

func (o *rollbackOperation) take(args []string) error {
	if len(args) == 0 {
		return usageError(hint.Errorf("write it as: rollback SUITE... NAME", "rollback: no snapshot is named"))
	}
	o.suites, o.snapshot = args[:len(args)-1], args[len(args)-1]
	return nil
}

func (o *rollbackOperation) run(ctx context.Context, s *session) error {
	changed, err := s.tx.Rollback(ctx, apt.RollbackOptions{Snapshot: o.snapshot, Suites: o.suites})
	if err != nil {
		return inputError(err)
	}
	if s.changes.RolledBack == nil {
		s.changes.RolledBack = map[string][]apt.Change{}
	}
	for suite, list := range changed {
		s.changes.RolledBack[suite] = append(s.changes.RolledBack[suite], list...)
	}
	return nil
}

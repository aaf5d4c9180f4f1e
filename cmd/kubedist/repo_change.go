package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"kubedist/pkg/apt"
	"kubedist/pkg/hint"
)

// repoAddOptions are the flags of repo add.
type repoAddOptions struct {
	publishing   publishingOptions
	suites       []string
	component    string
	keepExisting bool
	jobs         int
}

func newRepoAddCommand(env *environment) *cobra.Command {
	o := &repoAddOptions{}
	cmd := &cobra.Command{
		Use:   "add DEB|DSC|DIR...",
		Short: "Add packages to suites, and publish",
		Long: `Adds packages, and all .deb and .dsc files below directories, to suites of the archive, and publishes. What is there
already is not added again; another file under the same name, version and architecture is refused.

A .dsc stands for its source package, whose other files lie beside it or are in the archive already.

Without --suite a Kubernetes package goes into the suites that accept its version. Other packages need --suite.

Exit status: 0 done, 1 failed, 2 bad option or input.`,
		Example: `  kubedist repo add out/v1.36.3/debs --suite v1.36,stable
  kubedist repo add kubeadm_1.36.3-1.1_amd64.deb --key release.asc
  kubedist repo add kubernetes_1.36.3-1.dsc --suite v1.36`,
		Args: someArgs("DEB|DSC|DIR..."),
		RunE: func(cmd *cobra.Command, args []string) error { return runRepoAdd(cmd.Context(), env, o, args) },
	}
	o.publishing.addFlags(cmd)
	cmd.Flags().StringSliceVar(&o.suites, "suite", nil, "suites that get the packages")
	cmd.Flags().StringVar(&o.component, "component", "", "component that gets the packages (default: the definition's first)")
	cmd.Flags().BoolVar(&o.keepExisting, "keep-existing", false, "where the archive has another file of the same version, keep that one and go on")
	cmd.Flags().IntVar(&o.jobs, "jobs", 0, "packages to read at once (default: one per core)")
	return cmd
}

func runRepoAdd(ctx context.Context, env *environment, o *repoAddOptions, args []string) error {
	debs, sources, err := findPackages(args)
	if err != nil {
		return usageError(err)
	}
	options, err := o.publishing.options(ctx, env)
	if err != nil {
		return err
	}
	tx, d, err := o.publishing.archive.begin(ctx, env)
	if err != nil {
		return err
	}
	defer tx.Close()
	add := apt.AddOptions{Suites: o.suites, Component: o.component, KeepExisting: o.keepExisting, Jobs: o.jobs}
	added, err := tx.Add(ctx, debs, add)
	if err != nil {
		return inputError(hintSuites(err, d))
	}
	addedSources, err := tx.AddSources(ctx, sources, add)
	if err != nil {
		return inputError(hintSuites(err, d))
	}
	added = append(added, addedSources...)
	return publishAndPrint(ctx, env, &o.publishing, tx, options, added, nil)
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

// repoRemoveOptions are the flags of repo remove.
type repoRemoveOptions struct {
	publishing publishingOptions
	suites     []string
}

func newRepoRemoveCommand(env *environment) *cobra.Command {
	o := &repoRemoveOptions{}
	cmd := &cobra.Command{
		Use:   "remove RELATION...",
		Short: "Remove packages from suites, and publish",
		Long: `Removes from the suites what the relations select: a name, or a name with versions, as Depends fields have them.
The files stay in the pool for clients in the middle of an update, until repo gc. NAME:source selects source packages
alone.`,
		Example: `  kubedist repo remove 'kubeadm (<< 1.34)' --suite stable
  kubedist repo remove 'kubectl:arm64 (= 1.36.3-1.1)' --suite v1.36,stable`,
		Args: someArgs("RELATION..."),
		RunE: func(cmd *cobra.Command, args []string) error { return runRepoRemove(cmd.Context(), env, o, args) },
	}
	o.publishing.addFlags(cmd)
	cmd.Flags().StringSliceVar(&o.suites, "suite", nil, "suites that lose the packages (needed)")
	return cmd
}

func runRepoRemove(ctx context.Context, env *environment, o *repoRemoveOptions, args []string) error {
	if len(o.suites) == 0 {
		return usageError(hint.Errorf("name suites with --suite", "suites: none is named"))
	}
	selectors := make([]apt.Selector, len(args))
	for i, arg := range args {
		var err error
		if selectors[i], err = apt.ParseSelector(arg); err != nil {
			return usageError(err)
		}
	}
	options, err := o.publishing.options(ctx, env)
	if err != nil {
		return err
	}
	tx, _, err := o.publishing.archive.begin(ctx, env)
	if err != nil {
		return err
	}
	defer tx.Close()
	removed := []removedPackage{}
	for _, suite := range o.suites {
		for i, selector := range selectors {
			gone, err := tx.Remove(ctx, apt.RemoveOptions{Suite: suite, Selector: selector})
			if err != nil {
				return usageError(err)
			}
			if len(gone) == 0 {
				fmt.Fprintf(env.Stderr, "warning: suite %s has nothing that %s selects\n", suite, args[i])
			}
			for _, r := range gone {
				removed = append(removed, removedPackage{suite, r.Package, r.Version, r.Architecture})
			}
		}
	}
	return publishAndPrint(ctx, env, &o.publishing, tx, options, nil, removed)
}

func newRepoPublishCommand(env *environment) *cobra.Command {
	o := &publishingOptions{}
	cmd := &cobra.Command{
		Use:   "publish",
		Short: "Apply the definition, and sign anew what is soon to expire",
		Long: `Publishes what the definition or the keys have changed, finishes what a killed run left behind, and signs the
suites anew whose Valid-Until is near (refresh-before in the definition). All other suites stay untouched.

Run it from a timer, well more often than refresh-before.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runRepoPublish(cmd.Context(), env, o) },
	}
	o.addFlags(cmd)
	cmd.Flags().BoolVar(&o.force, "force", false, "sign every suite anew")
	return cmd
}

func runRepoPublish(ctx context.Context, env *environment, o *publishingOptions) error {
	options, err := o.options(ctx, env)
	if err != nil {
		return err
	}
	tx, _, err := o.archive.begin(ctx, env)
	if err != nil {
		return err
	}
	defer tx.Close()
	return publishAndPrint(ctx, env, o, tx, options, nil, nil)
}

// removedPackage is one line about a package that a suite lost.
type removedPackage struct {
	Suite        string `json:"suite"`
	Package      string `json:"package"`
	Version      string `json:"version"`
	Architecture string `json:"architecture"`
}

// publishAndPrint ends a transaction and says what came of it.
func publishAndPrint(ctx context.Context, env *environment, o *publishingOptions, tx *apt.Transaction, options apt.PublishOptions, added []apt.Added, removed []removedPackage) error {
	result, err := tx.Publish(ctx, options)
	if err != nil {
		return err
	}
	if err := tx.Close(); err != nil {
		return err
	}
	for _, w := range result.Warnings {
		fmt.Fprintf(env.Stderr, "warning: %s\n", w)
	}
	if o.json {
		return writeJSON(env.Stdout, struct {
			Added   []apt.Added      `json:"added,omitempty"`
			Removed []removedPackage `json:"removed,omitempty"`
			*apt.Result
		}{added, removed, result})
	}
	printPublished(env.Stdout, added, removed, result)
	return nil
}

func printPublished(w io.Writer, added []apt.Added, removed []removedPackage, result *apt.Result) {
	for _, a := range added {
		switch a.Outcome {
		case apt.OutcomeAdded:
			fmt.Fprintf(w, "added    %s %s %s: %v\n", a.Package, a.Version, a.Architecture, a.Suites)
		case apt.OutcomeKept:
			fmt.Fprintf(w, "kept     %s %s %s: the archive has other contents\n", a.Package, a.Version, a.Architecture)
		case apt.OutcomePresent:
			fmt.Fprintf(w, "present  %s %s %s\n", a.Package, a.Version, a.Architecture)
		}
	}
	for _, r := range removed {
		fmt.Fprintf(w, "removed  %s %s %s: %s\n", r.Package, r.Version, r.Architecture, r.Suite)
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

package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kubedist/pkg/apt"
	"kubedist/pkg/hint"
)

// addOperation adds packages.
type addOperation struct {
	suites       []string
	component    string
	keepExisting bool
	jobs         int
	debs         []string
	sources      []string
}

func newRepoAddCommand(env *environment) *cobra.Command {
	return newOperationCommand(env, &addOperation{}, &cobra.Command{
		Use:   "add DEB|DSC|DIR...",
		Short: "Add packages to suites, and publish",
		Long: `Adds packages, and all .deb and .dsc files below directories, to suites of the archive, and publishes. What is there
already is not added again; another file under the same name, version and architecture is refused.

A .dsc stands for its source package, whose other files lie beside it or are in the archive already.

Without --suite a Kubernetes package goes into the suites that accept its version, but for those that would let it go at
once. Other packages need --suite. What the rules of a suite let go (keep and minors in the definition) leaves it.

Exit status: 0 done, 1 failed, 2 bad option or input.`,
		Example: `  kubedist repo add out/v1.36.3/debs --suite v1.36,stable
  kubedist repo add kubeadm_1.36.3-1.1_amd64.deb --key release.asc
  kubedist repo add kubernetes_1.36.3-1.dsc --suite v1.36`,
		Args: someArgs("DEB|DSC|DIR..."),
	})
}

func (o *addOperation) addFlags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.suites, "suite", nil, "suites that get the packages")
	f.StringVar(&o.component, "component", "", "component that gets the packages (default: the definition's first)")
	f.BoolVar(&o.keepExisting, "keep-existing", false, "where the archive has another file of the same version, keep that one and go on")
	f.IntVar(&o.jobs, "jobs", 0, "packages to read at once (default: one per core)")
}

func (o *addOperation) take(args []string) error {
	if len(args) == 0 {
		return usageError(hint.Errorf("name packages, or directories of them", "add: nothing is named"))
	}
	var err error
	o.debs, o.sources, err = findPackages(args)
	return usageError(err)
}

func (o *addOperation) run(ctx context.Context, s *session) error {
	add := apt.AddOptions{Suites: o.suites, Component: o.component, KeepExisting: o.keepExisting, Override: s.options.Override, Jobs: o.jobs}
	added, err := s.tx.Add(ctx, o.debs, add)
	if err != nil {
		return inputError(hintSuites(err, s.definition))
	}
	sources, err := s.tx.AddSources(ctx, o.sources, add)
	if err != nil {
		return inputError(hintSuites(err, s.definition))
	}
	if len(s.changes.Added) == 0 {
		s.changes.Added = added // there may be a hundred thousand
	} else {
		s.changes.Added = append(s.changes.Added, added...)
	}
	s.changes.Added = append(s.changes.Added, sources...)
	return nil
}

// removeOperation removes packages from suites.
type removeOperation struct {
	suites    []string
	relations []string
	selectors []apt.Selector
}

func newRepoRemoveCommand(env *environment) *cobra.Command {
	return newOperationCommand(env, &removeOperation{}, &cobra.Command{
		Use:   "remove RELATION...",
		Short: "Remove packages from suites, and publish",
		Long: `Removes from the suites what the relations select: a name, or a name with versions, as Depends fields have them.
The files stay in the pool for clients in the middle of an update, until repo gc. NAME:source selects source packages
alone.`,
		Example: `  kubedist repo remove 'kubeadm (<< 1.34)' --suite stable
  kubedist repo remove 'kubectl:arm64 (= 1.36.3-1.1)' --suite v1.36,stable`,
		Args: someArgs("RELATION..."),
	})
}

func (o *removeOperation) addFlags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.suites, "suite", nil, "suites that lose the packages (needed)")
}

func (o *removeOperation) take(args []string) error {
	if len(o.suites) == 0 {
		return usageError(hint.Errorf("name suites with --suite", "suites: none is named"))
	}
	if len(args) == 0 {
		return usageError(hint.Errorf("name packages as in 'kubeadm (<< 1.34)'", "remove: nothing is named"))
	}
	var err error
	o.relations = args
	o.selectors, err = parseSelectors(args)
	return err
}

func (o *removeOperation) run(ctx context.Context, s *session) error {
	for _, suite := range o.suites {
		for i, selector := range o.selectors {
			gone, err := s.tx.Remove(ctx, apt.RemoveOptions{Suite: suite, Selector: selector})
			if err != nil {
				return usageError(err)
			}
			if len(gone) == 0 {
				fmt.Fprintf(s.env.Stderr, "warning: suite %s has nothing that %s selects\n", suite, o.relations[i])
			}
			for _, r := range gone {
				s.changes.Removed = append(s.changes.Removed, removedPackage{suite, r.Package, r.Version, r.Architecture})
			}
		}
	}
	return nil
}

func newRepoPublishCommand(env *environment) *cobra.Command {
	o := &publishingOptions{}
	cmd := &cobra.Command{
		Use:   "publish",
		Short: "Apply the definition, and sign anew what is soon to expire",
		Long: `Publishes what the definition or the keys have changed, finishes what a killed run left behind, and signs the
suites anew whose Valid-Until is near (refresh-before in the definition). All other suites stay untouched.

Run it from a timer, well more often than refresh-before.

` + refusalsHelp(),
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runOperations(cmd.Context(), env, o) },
	}
	o.addFlags(cmd)
	cmd.Flags().BoolVar(&o.signAnew, "sign-anew", false, "sign every suite anew, whether it changed or not")
	return cmd
}

package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"kubedist/pkg/apt"
)

// repoImportOptions are the flags of repo import.
type repoImportOptions struct {
	publishing  publishingOptions
	suites      []string
	trusted     bool
	newIdentity bool
	jobs        int
}

func newRepoImportCommand(env *environment) *cobra.Command {
	o := &repoImportOptions{}
	cmd := &cobra.Command{
		Use:   "import DIR",
		Short: "Take over an archive made by aptly, reprepro or apt-ftparchive, and publish",
		Long: `Takes over the published files of another archive: DIR holds its dists and pool, or is a flat archive. Its signature
is checked with the keys of --keyring, its indices with the digests of its Release files, its packages with the digests
of the indices, and each package's control paragraph with what the index says it is. Nothing is taken when anything is
wrong. The files are copied; they keep their paths below pool, so that mirrors fetch nothing twice.

Each suite becomes the one of the same name, or those that --suite names become what it says. Clients stop when a suite
changes its Origin, Label, Suite or Codename, so the archive's definition must say the same as the other archive did.

Packages of the installer are not taken; a warning names them.

Exit status: 0 done, 1 failed, 2 bad option or input.`,
		Example: `  kubedist repo import /srv/aptly/public --keyring old-archive.gpg
  kubedist repo import /srv/reprepro --suite bookworm=stable --new-identity --trusted --dry-run`,
		Args: oneArg("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error { return runRepoImport(cmd.Context(), env, o, args[0]) },
	}
	o.publishing.addFlags(cmd)
	cmd.Flags().StringSliceVar(&o.suites, "suite", nil, "suites to take, as OLD=NEW or NAME; OLD is a directory below dists, . a flat archive (default: all)")
	cmd.Flags().BoolVar(&o.trusted, "trusted", false, "do not look at the archive's signatures")
	cmd.Flags().BoolVar(&o.newIdentity, "new-identity", false, "take suites although each client will stop at their new Origin, Label, Suite or Codename")
	cmd.Flags().IntVar(&o.jobs, "jobs", 0, "packages to read at once (default: one per core)")
	return cmd
}

// importOperation adds the packages of another archive.
type importOperation struct {
	plan *apt.ImportPlan
	jobs int
}

func (o *importOperation) run(ctx context.Context, s *session) error {
	added, err := s.tx.Import(ctx, o.plan, apt.AddOptions{Jobs: o.jobs})
	if err != nil {
		return inputError(err)
	}
	s.changes.Added = append(s.changes.Added, added...)
	return nil
}

func runRepoImport(ctx context.Context, env *environment, o *repoImportOptions, dir string) error {
	d, err := o.publishing.archive.load()
	if err != nil {
		return usageError(err)
	}
	options, err := o.publishing.options(ctx, env)
	if err != nil {
		return err
	}
	from := apt.ImportOptions{Dir: dir, NewIdentity: o.newIdentity, Now: env.Now()}
	if !o.trusted {
		from.Keyring = options.Keyring
		for _, s := range options.Signers { // the archive may have been signed with the key that goes on to sign it
			from.Keyring = append(from.Keyring, s.Public())
		}
	}
	for _, text := range o.suites {
		if from.Suites == nil {
			from.Suites = map[string]string{}
		}
		old, name, renamed := strings.Cut(text, "=")
		if !renamed {
			name = old
		}
		from.Suites[old] = name
	}
	plan, err := apt.PlanImport(ctx, d, from)
	if err != nil {
		return inputError(err)
	}
	for _, w := range plan.Warnings {
		fmt.Fprintf(env.Stderr, "warning: %s\n", w)
	}
	return runOperations(ctx, env, &o.publishing, &importOperation{plan, o.jobs})
}

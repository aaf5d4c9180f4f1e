package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"kubedist/pkg/apt"
	"kubedist/pkg/openpgp"
)

// repoGCOptions are the flags of repo gc.
type repoGCOptions struct {
	archive  archiveOptions
	keyrings []string
	withdraw []string
	dryRun   bool
	json     bool
}

func newRepoGCCommand(env *environment) *cobra.Command {
	o := &repoGCOptions{}
	cmd := &cobra.Command{
		Use:   "gc",
		Short: "Remove what no index needs, and what the definition no longer names",
		Long: `Removes from the pool what no suite lists, neither now nor in the older indices that are kept for clients in the
middle of an update.

A suite, an alias or a flat directory that was taken out of the definition stays, for clients may use it still; repo
publish says so. Once its Valid-Until is past, no client accepts it any more, and repo gc takes it away. With --withdraw
it goes at once: clients whose sources name it then get errors. Only what kubedist wrote goes, and only from directories
that were signed by a key of the archive's keyring, or of --keyring.`,
		Example: `  kubedist repo gc --dry-run
  kubedist repo gc --withdraw dists/kubernetes-xenial,core:/stable:/v1.30/deb`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runRepoGC(cmd.Context(), env, o) },
	}
	o.archive.addLookFlags(cmd)
	cmd.Flags().StringSliceVar(&o.withdraw, "withdraw", nil, "directories that the definition no longer names, to take away though clients may use them: dists/NAME, or a flat one")
	cmd.Flags().StringSliceVar(&o.keyrings, "keyring", nil, "files of further public keys whose signatures are the archive's own")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "say what would go, and remove nothing")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the result as JSON")
	return cmd
}

// collected is a file that repo gc removes.
type collected struct {
	apt.Garbage
	Withdrawn string `json:"withdrawn,omitempty"` // the directory that was withdrawn with it
}

func runRepoGC(ctx context.Context, env *environment, o *repoGCOptions) error {
	tx, _, err := o.archive.begin(ctx, env)
	if err != nil {
		return err
	}
	defer tx.Close()
	keyring, err := o.keyring()
	if err != nil {
		return usageError(err)
	}
	withdrawn, err := tx.Withdraw(ctx, apt.WithdrawOptions{Keyring: keyring, Now: env.Now(), AtOnce: o.directories(), DryRun: o.dryRun})
	if err != nil {
		return inputError(err)
	}
	garbage, err := tx.CollectGarbage(ctx, apt.GarbageOptions{DryRun: o.dryRun})
	if err != nil {
		return err
	}
	if err := tx.Close(); err != nil {
		return err
	}
	return o.print(env, withdrawn, garbage)
}

// keyring reads the keys by which the archive's own directories are told.
func (o *repoGCOptions) keyring() ([]*openpgp.Certificate, error) {
	files := slices.Clone(o.keyrings)
	own := filepath.Join(o.archive.root, apt.KeyringFile)
	if _, err := os.Stat(own); !errors.Is(err, fs.ErrNotExist) {
		files = append(files, own)
	}
	return readKeyrings(files)
}

// directories are the names that --withdraw gives, as the archive has them.
func (o *repoGCOptions) directories() []string {
	var dirs []string
	for _, dir := range o.withdraw {
		dirs = append(dirs, path.Clean(filepath.ToSlash(dir)))
	}
	return dirs
}

func (o *repoGCOptions) print(env *environment, withdrawn []apt.Withdrawn, garbage []apt.Garbage) error {
	files := []collected{}
	verb, away := "removed", "withdrawn"
	if o.dryRun {
		verb, away = "to remove", "to withdraw"
	}
	for _, w := range withdrawn {
		if w.Stays != "" {
			fmt.Fprintf(env.Stderr, "warning: %s: published, but not in the definition: %s\n", w.Dir, w.Stays)
			continue
		}
		if !o.json {
			fmt.Fprintf(env.Stdout, "%s: %s, %s, %s\n", away, w.Dir, validity(w.ValidUntil, env.Now()), count(len(w.Files), "file"))
		}
		for _, f := range w.Files {
			files = append(files, collected{f, w.Dir})
		}
	}
	for _, g := range garbage {
		if !o.json {
			fmt.Fprintln(env.Stdout, g.Path)
		}
		files = append(files, collected{Garbage: g})
	}
	if o.json {
		return writeJSON(env.Stdout, files)
	}
	var bytes int64
	for _, f := range files {
		bytes += f.Size
	}
	fmt.Fprintf(env.Stdout, "%s %s, %d bytes\n", verb, count(len(files), "file"), bytes)
	return nil
}

// validity says until when clients accept what bears such a Valid-Until.
func validity(until, now time.Time) string {
	switch {
	case until.IsZero():
		return "valid for good"
	case now.Before(until):
		return "valid until " + until.Format(time.DateOnly)
	}
	return "expired on " + until.Format(time.DateOnly)
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"kubedist/pkg/apt"
	"kubedist/pkg/hint"
)

// repoSyncOrderOptions are the flags of repo sync-order.
type repoSyncOrderOptions struct {
	root   string
	stage  int
	freeze string
}

func newRepoSyncOrderCommand(env *environment) *cobra.Command {
	o := &repoSyncOrderOptions{}
	cmd := &cobra.Command{
		Use:   "sync-order",
		Short: "List what a mirror must get, in two stages, for rsync --files-from",
		Long: `Lists the archive's files in the order in which a mirror must get them: first packages and the indices under
by-hash, then the files that name them. Each line is a path relative to the archive's root.

What is published between the copying of the two stages would lead the mirror's clients to what it does not have
yet. With --freeze the files of the second stage are put aside as they are now, as hard links, and can be copied
from there at any time. The directory must be empty or missing, best on the archive's file system, and is yours to
remove.

A list cannot tell rsync what to remove. Do that last, and best some time after, when no client is still fetching
what an older InRelease names; old files do no harm.`,
		Example: `  kubedist repo sync-order --stage 1 --freeze /srv/sync >/srv/stage1
  rsync -t --ignore-missing-args --files-from=/srv/stage1 repo/public/ mirror:/srv/kubernetes/
  rsync -rtO --delay-updates /srv/sync/ mirror:/srv/kubernetes/
  rsync -r --delete --existing --ignore-existing --exclude=/.kubedist repo/public/ mirror:/srv/kubernetes/
  rm -r /srv/sync`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runRepoSyncOrder(cmd.Context(), env, o) },
	}
	cmd.Flags().StringVar(&o.root, "root", filepath.Join("repo", "public"), "directory of the archive")
	cmd.Flags().IntVar(&o.stage, "stage", 0, "list this stage alone, 1 or 2 (default: both, one after the other)")
	cmd.Flags().StringVar(&o.freeze, "freeze", "", "directory that gets the files of stage 2 as they are now")
	return cmd
}

func runRepoSyncOrder(ctx context.Context, env *environment, o *repoSyncOrderOptions) error {
	if o.stage < 0 || o.stage > 2 {
		return usageError(hint.Errorf("name 1 or 2, or none for both", "stage %d: there is none", o.stage))
	}
	order, err := syncOrder(ctx, o)
	if errors.Is(err, fs.ErrNotExist) {
		return usageError(err)
	}
	if err != nil {
		return err
	}
	w := bufio.NewWriter(env.Stdout)
	for i, stage := range [][]string{order.First, order.Second} {
		if o.stage != 0 && o.stage != i+1 {
			continue
		}
		for _, name := range stage {
			fmt.Fprintln(w, name)
		}
	}
	return w.Flush()
}

func syncOrder(ctx context.Context, o *repoSyncOrderOptions) (*apt.SyncOrder, error) {
	if o.freeze != "" {
		return apt.Freeze(ctx, o.root, o.freeze)
	}
	return apt.ListSyncOrder(ctx, o.root)
}

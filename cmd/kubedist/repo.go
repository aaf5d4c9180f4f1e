package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kubedist/pkg/apt"
	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
	"kubedist/repo"
)

// newRepoCommand builds the commands that work on an apt archive.
func newRepoCommand(env *environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "repo",
		Short: "Publish, list, check and serve an apt archive",
		Long: `Works on an apt archive, whose published files are its only state. One process changes it at a
time; a second one says who it waits for.`,
		Args: cobra.ArbitraryArgs,
		RunE: unknownCommand,
	}
	cmd.AddCommand(newRepoInitCommand(env), newRepoAddCommand(env), newRepoRemoveCommand(env), newRepoCopyCommand(env),
		newRepoSnapshotCommand(env), newRepoRollbackCommand(env), newRepoImportCommand(env), newRepoApplyCommand(env),
		newRepoPublishCommand(env), newRepoDiffCommand(env), newRepoListCommand(env), newRepoVerifyCommand(env),
		newRepoGCCommand(env), newRepoServeCommand(env), newRepoSyncOrderCommand(env), newRepoPushCommand(env))
	return cmd
}

// archiveOptions say which archive is meant.
type archiveOptions struct {
	root       string
	definition string
	url        string
}

// addFlags registers the flags that name an archive that is to be changed.
func (o *archiveOptions) addFlags(cmd *cobra.Command) {
	o.addLookFlags(cmd)
	cmd.Flags().StringVar(&o.url, "url", "", "where clients find the archive, for its .sources files (default: url of the definition)")
}

// addLookFlags registers the flags that name an archive that is only looked at.
func (o *archiveOptions) addLookFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.root, "root", filepath.Join("repo", "public"), "directory of the archive: what apt reads and mirrors sync")
	cmd.Flags().StringVar(&o.definition, "definition", "", "file that defines the archive (default: repo/archive.yaml where there is one, else the one built in)")
}

// load reads the archive's definition.
func (o *archiveOptions) load() (*apt.Definition, error) {
	d, err := o.read()
	if err != nil {
		return nil, err
	}
	if o.url != "" {
		if d.URL, err = apt.CheckURL(o.url); err != nil {
			return nil, hint.With(fmt.Errorf("--url: %w", err), "write it as https://apt.example.org/kubernetes")
		}
	}
	return d, nil
}

func (o *archiveOptions) read() (*apt.Definition, error) {
	if o.definition != "" {
		return apt.LoadDefinition(o.definition)
	}
	standard := filepath.Join("repo", "archive.yaml")
	if _, err := os.Stat(standard); err == nil {
		return apt.LoadDefinition(standard)
	}
	return apt.ParseDefinition("built-in archive.yaml", repo.Archive)
}

// begin starts a transaction, and tells whom it waits for.
func (o *archiveOptions) begin(ctx context.Context, env *environment) (*apt.Transaction, *apt.Definition, error) {
	d, err := o.load()
	if err != nil {
		return nil, nil, usageError(err)
	}
	frugal(env)
	tx, err := apt.Begin(ctx, apt.Options{Root: o.root, Definition: d, Waiting: func(holder string) {
		fmt.Fprintf(env.Stderr, "waiting for %s, which is changing the archive\n", holder)
	}})
	return tx, d, err
}

// frugal sets the garbage collector for work on an archive, which makes little garbage for each of very many packages:
// collecting no sooner than memory is short takes a tenth off the time of ten thousand packages. GOGC and GOMEMLIMIT say
// otherwise where they are set.
func frugal(env *environment) {
	if env.Getenv("GOGC") != "" || env.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(120 << 20) // no limit to what can be had, but to how long garbage stays
}

// publishingOptions are the flags of the commands that sign an archive.
type publishingOptions struct {
	archive  archiveOptions
	signer   signerOptions
	keyrings []string
	force    forceOptions
	signAnew bool
	dryRun   bool
	json     bool
}

// addFlags registers the flags of a command that changes the archive.
func (o *publishingOptions) addFlags(cmd *cobra.Command) {
	o.addPublishFlags(cmd)
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "say what would change, and publish nothing")
}

// addPublishFlags registers the flags that say what would be published, and how it is told.
func (o *publishingOptions) addPublishFlags(cmd *cobra.Command) {
	o.archive.addFlags(cmd)
	o.signer.addFlags(cmd)
	cmd.Flags().StringSliceVar(&o.keyrings, "keyring", nil, "files of further public keys: they go into the archive's keyring, and what they signed counts as its own")
	o.force.addFlags(cmd)
	cmd.Flags().BoolVar(&o.json, "json", false, "print the result as JSON")
}

// options reads keys and clock. The signatures are dated by SOURCE_DATE_EPOCH where it is set; then the real time decides
// nothing, so that an old release can be made again, but that must not be later.
func (o *publishingOptions) options(ctx context.Context, env *environment) (apt.PublishOptions, error) {
	p := apt.PublishOptions{Now: env.Now().UTC().Truncate(time.Second), Clock: env.Now, SignAnew: o.signAnew}
	var err error
	if p.Override, err = o.force.refusals(); err != nil {
		return p, err
	}
	epoch, err := sourceDateEpoch(env)
	if err != nil {
		return p, err
	}
	if !epoch.IsZero() {
		p.Now, p.Clock, p.NotAfter = epoch, nil, env.Now()
	}
	if p.Keyring, err = readKeyrings(o.keyrings); err != nil {
		return p, usageError(err)
	}
	keys, err := loadKeys(ctx, env, o.signer, o.archive.keysFile(), p.Now)
	if err != nil {
		return p, err
	}
	p.Signers, p.Next, p.KeyringDate = keys.Signers, keys.Next, keys.Changed
	p.Keyring = append(p.Keyring, keys.Keyring...)
	return p, nil
}

// readKeyrings reads the public keys of all files.
func readKeyrings(files []string) ([]*openpgp.Certificate, error) {
	var all []*openpgp.Certificate
	for _, file := range files {
		data, err := openpgp.ReadKeyFile(file)
		if err != nil {
			return nil, err
		}
		certs, err := openpgp.ParseKeyring(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, certs...)
	}
	return all, nil
}

// findPackages replaces each directory by the .deb and .dsc files in and below it, sorted, and tells source packages, which
// end in .dsc, from others. A file that is named is taken whatever its name.
func findPackages(args []string) (debs, sources []string, err error) {
	found, err := findFiles(args)
	for _, name := range found {
		if strings.HasSuffix(name, ".dsc") {
			sources = append(sources, name)
		} else {
			debs = append(debs, name)
		}
	}
	return debs, sources, err
}

func findFiles(args []string) ([]string, error) {
	var debs []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			debs = append(debs, arg)
			continue
		}
		before := len(debs)
		err = filepath.WalkDir(arg, func(name string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && (strings.HasSuffix(name, ".deb") || strings.HasSuffix(name, ".dsc")) {
				debs = append(debs, name)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(debs) == before {
			return nil, fmt.Errorf("directory %s: holds no .deb and no .dsc file", arg)
		}
	}
	slices.Sort(debs)
	return slices.Compact(debs), nil
}

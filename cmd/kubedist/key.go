package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
)

// newKeyCommand builds the commands that make and look at signing keys.
func newKeyCommand(env *environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Make, show and check the keys that sign packages and archives",
		Args:  cobra.ArbitraryArgs,
		RunE:  unknownCommand,
	}
	cmd.AddCommand(newKeyNewCommand(env), newKeyShowCommand(env), newKeyCheckCommand(env), newKeyRotateCommand(env), newKeyRenewCommand(env), newKeyScheduleCommand(env))
	return cmd
}

// keyNewOptions describe the key to make.
type keyNewOptions struct {
	output         string
	name           string
	email          string
	comment        string
	algorithm      string
	expires        string
	created        string
	passphraseFile string
	json           bool
}

func newKeyNewCommand(env *environment) *cobra.Command {
	var o keyNewOptions
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Make a signing key",
		Long: `Make a key that signs packages and archives and write it, armored, into a new
file that only its owner may read. A file that is there is never overwritten.

The passphrase is the first line of the file that --passphrase-file names ("-" is
standard input), or the value of KUBEDIST_PASSPHRASE. With neither, the secret is
written unprotected.

A key signs nothing dated before it begins, and releases are dated by their source.
So that a new key can sign a release of the past months, it begins a year ago unless
--created says otherwise. --expires counts from now.

Exit status: 0 made, 1 failed, 2 bad option.`,
		Example: `  kubedist key new --name "Example Archive" --email archive@example.org
  kubedist key new --algorithm rsa4096 --expires 2y --output release.asc
  pwgen -s 40 1 > pass && kubedist key new --passphrase-file pass`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runKeyNew(cmd.Context(), env, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.output, "output", "", "file to write (default keys/archive.asc in the configuration directory)")
	f.StringVar(&o.name, "name", "kubedist archive key", "name in the user ID")
	f.StringVar(&o.email, "email", "", "e-mail address in the user ID")
	f.StringVar(&o.comment, "comment", "", "comment in the user ID")
	f.StringVar(&o.algorithm, "algorithm", string(openpgp.Ed25519), "ed25519 or rsa4096")
	f.StringVar(&o.expires, "expires", "3y", "when the key ends: 2y, 6m, 12w, 90d, a date such as 2030-01-31, or never")
	f.StringVar(&o.created, "created", "", "date when the key begins, such as 2026-01-01 (default a year ago)")
	f.StringVar(&o.passphraseFile, "passphrase-file", "", "file whose first line is the passphrase (or KUBEDIST_PASSPHRASE)")
	f.BoolVar(&o.json, "json", false, "print the result as JSON")
	return cmd
}

func runKeyNew(ctx context.Context, env *environment, o keyNewOptions) error {
	generate, err := o.generateOptions(env.Now())
	if err != nil {
		return usageError(err)
	}
	secret, err := passphrase(env, o.passphraseFile)
	if err != nil {
		return usageError(err)
	}
	path := o.output
	if path == "" {
		path = filepath.Join(env.ConfigDir, "keys", "archive.asc")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return fmt.Errorf("directory of keys: %w", err)
		}
	}
	key, err := openpgp.Generate(ctx, generate)
	if err != nil {
		return usageError(err)
	}
	if err := key.Save(ctx, path, openpgp.SaveOptions{Passphrase: secret}); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return usageError(err)
		}
		return err
	}
	view := viewKey(path, key)
	if len(secret) > 0 {
		view.Secret = openpgp.SecretLocked.String()
	} else {
		fmt.Fprintln(env.Stderr, "note: the secret is not protected by a passphrase; whoever reads the file can sign with it")
	}
	if o.json {
		return writeJSON(env.Stdout, view)
	}
	return writeKeys(env.Stdout, []keyView{view})
}

// generateOptions reads the options as of now.
func (o keyNewOptions) generateOptions(now time.Time) (openpgp.GenerateOptions, error) {
	created := now.AddDate(-1, 0, 0).UTC().Truncate(24 * time.Hour)
	if o.created != "" {
		var err error
		if created, err = time.Parse(time.DateOnly, o.created); err != nil {
			return openpgp.GenerateOptions{}, hint.Errorf("write it as 2026-01-31", "--created %q: not a date", o.created)
		}
	}
	expires, err := parseWhen(o.expires, now)
	if err != nil {
		return openpgp.GenerateOptions{}, fmt.Errorf("--expires: %w", err)
	}
	g := openpgp.GenerateOptions{
		Algorithm: openpgp.Algorithm(o.algorithm), Name: o.name, Comment: o.comment, Email: o.email, Created: created,
	}
	if !expires.IsZero() {
		if !expires.After(now) || !expires.After(created) {
			return g, hint.Errorf("give a later --expires", "--expires %s: the key would have ended", o.expires)
		}
		g.Lifetime = expires.Sub(created)
	}
	return g, nil
}

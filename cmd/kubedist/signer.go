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

// signerOptions say which key signs.
type signerOptions struct {
	KeyFile        string
	PassphraseFile string
}

// addFlags registers the flags of o.
func (o *signerOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.KeyFile, "key", "", "file of the secret key that signs (or KUBEDIST_KEY); without one, a development key is made and used")
	cmd.Flags().StringVar(&o.PassphraseFile, "passphrase-file", "", "file whose first line is the key's passphrase (or KUBEDIST_PASSPHRASE)")
}

// loadSigner opens the key that o names. It must be good for signing at the time at, and today: what SOURCE_DATE_EPOCH
// says does not bring an expired key back, whose signatures no client accepts. With no key configured it uses the
// development key, and says so.
func loadSigner(ctx context.Context, env *environment, o signerOptions, at time.Time) (openpgp.Signer, error) {
	if now := env.Now(); now.After(at) {
		at = now
	}
	path := o.KeyFile
	if path == "" {
		path = env.Getenv("KUBEDIST_KEY")
	}
	if path == "" {
		return developmentKey(ctx, env)
	}
	key, err := openpgp.LoadFile(ctx, path, openpgp.LoadOptions{At: at, Passphrase: func(context.Context) ([]byte, error) {
		return passphrase(env, o.PassphraseFile)
	}})
	if err != nil {
		return nil, usageError(err)
	}
	return key, nil
}

// developmentKeyFile is where the development key lies.
func developmentKeyFile(env *environment) string {
	return filepath.Join(env.ConfigDir, "keys", "development.asc")
}

// developmentKey loads the key that is used where no other is configured, making it the first time.
func developmentKey(ctx context.Context, env *environment) (openpgp.Signer, error) {
	path := developmentKeyFile(env)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		key, err := openpgp.Generate(ctx, openpgp.GenerateOptions{
			Algorithm: openpgp.Ed25519, Name: "kubedist development key", Comment: "not for release", Created: developmentKeyTime(env),
		})
		if err != nil {
			return nil, fmt.Errorf("development key: %w", err)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, fmt.Errorf("development key: %w", err)
		}
		// Another run may have been faster: then its key counts.
		if err := key.Save(ctx, path, openpgp.SaveOptions{}); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	key, err := openpgp.LoadFile(ctx, path, openpgp.LoadOptions{})
	if err != nil {
		return nil, hint.With(err, "remove the file to have a new one made")
	}
	fmt.Fprintf(env.Stderr, "WARNING: signing with a DEVELOPMENT KEY, %s\n"+
		"         (%s). Nobody should trust it.\n"+
		"         For a release people install, make a key with `kubedist key new` and pass it with --key.\n", key.Fingerprint(), path)
	return key, nil
}

// developmentKeyTime is when a new development key begins: long before any release that it may sign, so that
// signatures can carry the release's own time.
func developmentKeyTime(env *environment) time.Time {
	start := time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC)
	if now := env.Now(); now.Before(start) {
		return now
	}
	return start
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"kubedist/pkg/gnupg"
	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/rotation"
)

// signerOptions say which keys sign.
type signerOptions struct {
	Keys            []string
	PassphraseFiles []string
}

// addFlags registers the flags of o.
func (o *signerOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.Keys, "key", nil, "key that signs: the file of a secret key, or gpg:FINGERPRINT for one that GnuPG keeps; may be given several times "+
		"(or KUBEDIST_KEY, with commas between; without any, those of keys.yaml beside the archive's definition; without that, a development key is made and used)")
	cmd.Flags().StringArrayVar(&o.PassphraseFiles, "passphrase-file", nil, "file whose first line is a passphrase of the key files; may be given several times (or KUBEDIST_PASSPHRASE)")
}

// places lists the keys that flags or the environment name.
func (o *signerOptions) places(env *environment) []string {
	if len(o.Keys) > 0 {
		return o.Keys
	}
	return environmentKeys(env)
}

// environmentKeys lists what KUBEDIST_KEY names.
func environmentKeys(env *environment) []string {
	return strings.FieldsFunc(env.Getenv("KUBEDIST_KEY"), func(r rune) bool { return r == ',' })
}

// openSigner opens a key that must be good for signing at the time.
func openSigner(ctx context.Context, env *environment, place string, secrets *passphrases, at time.Time) (openpgp.Signer, error) {
	if fingerprint, inGnuPG := strings.CutPrefix(place, rotation.GnuPGPrefix); inGnuPG {
		s, err := gnupg.Open(ctx, fingerprint, gnupgOptions(env))
		if err == nil {
			err = s.CanSign(at)
		}
		if err != nil {
			return nil, usageError(err)
		}
		return s, nil
	}
	for i := 0; ; i++ {
		more := false
		key, err := openpgp.LoadFile(ctx, place, openpgp.LoadOptions{At: at, Passphrase: func(context.Context) ([]byte, error) {
			all, err := secrets.read(env)
			if err != nil || len(all) == 0 {
				return nil, err
			}
			more = i+1 < len(all)
			return all[i], nil
		}})
		if errors.Is(err, openpgp.ErrWrongPassphrase) && more {
			continue
		}
		if err != nil {
			return nil, usageError(err)
		}
		return key, nil
	}
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

// gnupgOptions say whose GnuPG is meant.
func gnupgOptions(env *environment) gnupg.Options {
	environ := os.Environ()
	if home := env.Getenv("GNUPGHOME"); home != "" {
		environ = append(environ, "GNUPGHOME="+home)
	}
	return gnupg.Options{Environ: environ}
}

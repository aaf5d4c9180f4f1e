package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/gnupg"
	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/rotation"
)

// keyShowOptions say what of the keys is shown, and how.
type keyShowOptions struct {
	json   bool
	armor  bool
	export string
}

func newKeyShowCommand(env *environment) *cobra.Command {
	var o keyShowOptions
	cmd := &cobra.Command{
		Use:   "show KEY...",
		Short: "Show what is in key files, or write out their public part",
		Long: `Show the keys in files, public or secret, armored or not: fingerprint, user IDs,
algorithm, when they begin and end, and what there is of the secret: absent,
offline (kept elsewhere), locked (by a passphrase) or open. No passphrase is needed.
Of a key that GnuPG keeps, gpg:FINGERPRINT, the public part is shown.

--armor prints the public keys instead, and --export writes them into a file, as a
keyring for apt: armored when its name ends in .asc, binary when it ends in .gpg.

Exit status: 0 shown, 1 failed, 2 bad option or not a key file.`,
		Example: `  kubedist key show release.asc
  kubedist key show --armor release.asc
  kubedist key show --export example-archive-keyring.gpg release.asc old.asc`,
		Args: someFiles,
		RunE: func(cmd *cobra.Command, args []string) error { return runKeyShow(cmd.Context(), env, o, args) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.json, "json", false, "print the keys as a JSON array")
	f.BoolVar(&o.armor, "armor", false, "print the public keys, armored, instead")
	f.StringVar(&o.export, "export", "", "write the public keys into this .gpg or .asc file instead")
	return cmd
}

// validate refuses to do two things at once.
func (o keyShowOptions) validate() error {
	asked := 0
	for _, on := range []bool{o.json, o.armor, o.export != ""} {
		if on {
			asked++
		}
	}
	if asked > 1 {
		return hint.Errorf("choose one of them", "--json, --armor and --export exclude each other")
	}
	return nil
}

func runKeyShow(ctx context.Context, env *environment, o keyShowOptions, files []string) error {
	if err := o.validate(); err != nil {
		return usageError(err)
	}
	var views []keyView
	var certs []*openpgp.Certificate
	for _, file := range files {
		keys, err := readKeys(ctx, env, file)
		if err != nil {
			return usageError(err)
		}
		for _, key := range keys {
			views = append(views, viewKey(file, key))
			certs = append(certs, key.Public())
		}
	}
	switch {
	case o.export != "":
		return exportKeyring(o.export, certs)
	case o.armor:
		data, err := openpgp.MarshalKeyring(openpgp.ArmoredKeyring, certs...)
		if err != nil {
			return usageError(err)
		}
		_, err = env.Stdout.Write(data)
		return err
	case o.json:
		return writeJSON(env.Stdout, views)
	}
	return writeKeys(env.Stdout, views)
}

// exportKeyring writes a keyring in the form that its name promises, for apt goes by the name.
func exportKeyring(path string, certs []*openpgp.Certificate) error {
	var format openpgp.KeyringFormat
	switch filepath.Ext(path) {
	case ".gpg":
		format = openpgp.BinaryKeyring
	case ".asc":
		format = openpgp.ArmoredKeyring
	default:
		return usageError(hint.Errorf("let the name end in .gpg or .asc", "keyring %s: apt tells its form by its name", path))
	}
	data, err := openpgp.MarshalKeyring(format, certs...)
	if err != nil {
		return usageError(err)
	}
	return atomicfile.WriteFile(path, data, 0o644)
}

// A keyView is what is shown of a key. It holds no secret.
type keyView struct {
	File        string    `json:"file"`
	Fingerprint string    `json:"fingerprint"`
	UserIDs     []string  `json:"userIDs"`
	Algorithm   string    `json:"algorithm"`
	Created     time.Time `json:"created"`
	Expires     time.Time `json:"expires,omitzero"` // absent: never
	Revoked     bool      `json:"revoked,omitempty"`
	Secret      string    `json:"secret"` // absent, offline, locked, open or in GnuPG
}

func viewKey(file string, key *openpgp.Key) keyView {
	c := key.Public()
	secret := key.Secret().String()
	if strings.HasPrefix(file, rotation.GnuPGPrefix) {
		secret = "in GnuPG"
	}
	ids := c.UserIDs()
	for i := range ids {
		ids[i] = graphic(ids[i])
	}
	return keyView{
		File: file, Fingerprint: c.Fingerprint(), UserIDs: ids, Algorithm: c.Algorithm(),
		Created: c.Created(), Expires: c.Expires(), Revoked: c.Revoked(), Secret: secret,
	}
}

// graphic replaces what could steer a terminal.
func graphic(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// writeKeys shows keys to people, one paragraph each.
func writeKeys(w io.Writer, views []keyView) error {
	var buf bytes.Buffer
	for i, v := range views {
		if i > 0 {
			fmt.Fprintln(&buf)
		}
		fmt.Fprintf(&buf, "fingerprint  %s\n", v.Fingerprint)
		for _, id := range v.UserIDs {
			fmt.Fprintf(&buf, "user id      %s\n", id)
		}
		fmt.Fprintf(&buf, "algorithm    %s\ncreated      %s\nexpires      %s\n", v.Algorithm, v.Created.Format(time.DateOnly), ending(v))
		if v.Revoked {
			fmt.Fprintf(&buf, "revoked      yes\n")
		}
		fmt.Fprintf(&buf, "secret       %s\nfile         %s\n", v.Secret, v.File)
	}
	_, err := w.Write(buf.Bytes())
	return err
}

func ending(v keyView) string {
	if v.Expires.IsZero() {
		return "never"
	}
	return v.Expires.Format(time.DateOnly)
}

// readKeys returns the keys in a file, locked, or the public part of gpg:FINGERPRINT.
func readKeys(ctx context.Context, env *environment, path string) ([]*openpgp.Key, error) {
	if fingerprint, inGnuPG := strings.CutPrefix(path, rotation.GnuPGPrefix); inGnuPG {
		cert, err := gnupg.Certificate(ctx, fingerprint, gnupgOptions(env))
		if err != nil {
			return nil, err
		}
		return openpgp.Parse(cert.Binary())
	}
	data, err := openpgp.ReadKeyFile(path)
	if err != nil {
		return nil, err
	}
	keys, err := openpgp.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return keys, nil
}

// someFiles asks for at least one file.
func someFiles(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError(hint.Errorf("see "+cmd.CommandPath()+" --help", "%s: no key file given", cmd.CommandPath()))
	}
	return nil
}

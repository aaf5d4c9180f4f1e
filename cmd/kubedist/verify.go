package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/provenance"
	"kubedist/pkg/release"
)

// verifyOptions are the flags of verify.
type verifyOptions struct {
	spec     specOptions
	keyrings []string
	plain    []string // public keys of the provenance
	against  againstOptions
	json     bool
}

func newVerifyCommand(env *environment) *cobra.Command {
	o := &verifyOptions{}
	cmd := &cobra.Command{
		Use:   "verify [PATH]",
		Short: "Check a release directory or an apt archive: signatures, digests, completeness, or published checksums",
		Long: `Checks that every file of a release, or of an apt archive, is there, is what the signed checksums say, and was
signed by a key that you name. Without --keyring a release is checked with the keys that
sign here, those of KUBEDIST_KEY, of repo/keys.yaml or the development key, and an archive with the keyring that it
publishes.

Of a release the provenance, the SBOMs and the .changes and .buildinfo files are checked too: their signatures, and that
they speak of the files that are there, all of them. With --provenance-key the plain key has to have signed the provenance.

With --against compares the programs of a release, PATH or the only one under out/, with checksums that somebody else has
published: a SHA256SUMS, a NAME.sha256 or a directory of them laid out as OS/ARCH/NAME.sha256, the checksums.yml of
Kubespray, or a version such as v1.34.0 whose digests specs/releases has. A program is identical, different, missing (from
the release), or unpublished; all have to be identical. Of those that differ it says what is known of the reason; where
the published programs lie beside their checksums, both build informations and the first section with other bytes.

Ends with status 3 when something is wrong with what was checked.`,
		Example: `  kubedist verify out/v1.36.3 --keyring release-key.asc
  kubedist verify out/v1.36.3 --keyring release-key.asc --provenance-key provenance.pub
  kubedist verify repo/public
  kubedist verify --against SHA256SUMS out/v1.34.0
  kubedist verify --against checksums.yml --platform linux/amd64,linux/arm64 --program kubeadm,kubelet`,
		Args: func(cmd *cobra.Command, args []string) error { return o.against.place(cmd, args) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.against.file != "" {
				return runVerifyAgainst(cmd, env, o, args)
			}
			return runVerify(cmd, env, o, args[0])
		},
	}
	o.spec.addFlags(cmd)
	o.against.addFlags(cmd)
	cmd.Flags().StringSliceVar(&o.keyrings, "keyring", nil, "files of the public keys that may have signed")
	cmd.Flags().StringSliceVar(&o.plain, "provenance-key", nil, "files of Ed25519 public keys (PEM) that have to have signed the provenance")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the result as JSON")
	cmd.MarkFlagsMutuallyExclusive("against", "keyring")
	cmd.MarkFlagsMutuallyExclusive("against", "provenance-key")
	return cmd
}

func runVerify(cmd *cobra.Command, env *environment, o *verifyOptions, path string) error {
	if _, err := os.Stat(filepath.Join(path, "dists")); err == nil {
		if len(o.plain) > 0 {
			return usageError(hint.Errorf("name a release directory, such as out/v1.36.3", "--provenance-key: %s is an archive, which has no provenance", path))
		}
		return runRepoVerify(cmd.Context(), env, &repoVerifyOptions{root: path, keyrings: o.keyrings, json: o.json})
	}
	keyring, err := o.keyring(cmd.Context(), env)
	if err != nil {
		return usageError(err)
	}
	s, _, err := o.spec.load()
	if err != nil {
		return usageError(err)
	}
	options := release.VerifyOptions{Keyring: keyring, Spec: s, Now: env.Now(), Jobs: runtime.GOMAXPROCS(0)}
	for _, name := range o.plain {
		key, err := provenance.ReadEd25519Public(name)
		if err != nil {
			return usageError(err)
		}
		options.ProvenanceKeys = append(options.ProvenanceKeys, key)
	}
	v, err := release.Verify(cmd.Context(), path, options)
	if errors.Is(err, fs.ErrNotExist) {
		return usageError(err)
	}
	if err != nil {
		return checkError(fmt.Errorf("verifying %s: %w", path, err))
	}
	if o.json {
		if err := writeJSON(env.Stdout, v); err != nil {
			return err
		}
	} else {
		printVerification(env.Stdout, path, v)
	}
	if len(v.Findings) > 0 {
		return checkError(fmt.Errorf("release %s: %s wrong", path, count(len(v.Findings), "thing")))
	}
	return nil
}

func printVerification(w io.Writer, path string, v *release.Verification) {
	for _, finding := range v.Findings {
		fmt.Fprintf(w, "WRONG  %s\n", finding)
	}
	if len(v.Findings) == 0 {
		fmt.Fprintf(w, "%s: %s, %d files, %d MB, all as signed by %s\n", path, v.Version, v.Files, v.Bytes/1e6, strings.Join(v.Signers, ", "))
		if len(v.Provenance) > 0 {
			fmt.Fprintf(w, "%s: speaks of all of them, signed by %s\n", filepath.Join(path, release.ProvenanceName), strings.Join(v.Provenance, ", "))
		}
	}
}

// keyring reads the keys to check a release with: those that the flags name, else those that sign here: KUBEDIST_KEY, the
// keys of repo/keys.yaml, or the development key, where there is one.
func (o *verifyOptions) keyring(ctx context.Context, env *environment) ([]*openpgp.Certificate, error) {
	if len(o.keyrings) > 0 {
		return readKeyrings(o.keyrings)
	}
	places := environmentKeys(env)
	if len(places) == 0 {
		plan, err := loadPlan((&archiveOptions{}).keysFile())
		if err != nil {
			return nil, err
		}
		if plan != nil {
			return plan.Keyring(env.Now()), nil
		}
		file := developmentKeyFile(env)
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		places = []string{file}
	}
	var all []*openpgp.Certificate
	for _, place := range places {
		keys, err := readKeys(ctx, env, place)
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			all = append(all, key.Public())
		}
	}
	return all, nil
}

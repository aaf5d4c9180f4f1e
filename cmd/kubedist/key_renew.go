package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"kubedist/pkg/rotation"
)

func newKeyRenewCommand(env *environment) *cobra.Command {
	var o keyRotateOptions
	cmd := &cobra.Command{
		Use:   "renew KEY",
		Short: "Let an archive know that one of its keys was extended",
		Long: `Take a key into keys.yaml once more after it was extended, for instance with gpg
--quick-set-expire. Its days stay. The next publishing puts it into the keyring and
into the keyring package; users who have that before the key's old end notice nothing.
A key that was revoked signs no more, and its revocation goes to users the same way.

KEY is its file, secret or public, or gpg:FINGERPRINT.

Exit status: 0 renewed or nothing new, 1 failed, 2 bad option or a key that does not fit.`,
		Example: `  gpg --quick-set-expire 1C9025A4215A5E83B5F7CAC4362BE50BE9DB61C3 3y
  kubedist key renew gpg:1C9025A4215A5E83B5F7CAC4362BE50BE9DB61C3`,
		Args: oneArg("KEY"),
		RunE: func(cmd *cobra.Command, args []string) error { return runKeyRenew(cmd.Context(), env, o, args[0]) },
	}
	o.addFlags(cmd)
	return cmd
}

func runKeyRenew(ctx context.Context, env *environment, o keyRotateOptions, place string) error {
	d, plan, err := o.loadPlanned()
	if err != nil {
		return err
	}
	file := o.archive.keysFile()
	keys, err := readKeys(ctx, env, place)
	if err != nil {
		return usageError(err)
	}
	changed := false
	for _, key := range keys {
		renewed, err := plan.Renew(key.Public(), env.Now())
		if err != nil {
			return usageError(err)
		}
		if renewed && !o.json {
			what := "expires " + ending(viewKey(place, key))
			if key.Public().Revoked() {
				what = "is revoked and signs no more"
			}
			fmt.Fprintf(env.Stdout, "%s: key %s %s\n", file, key.Fingerprint(), what)
		}
		changed = changed || renewed
	}
	if changed {
		if err := plan.Save(file); err != nil {
			return err
		}
	}
	return writeSchedule(env, o.json, plan, rotation.CheckOptions{Now: env.Now().UTC().Truncate(time.Second), Lead: keyLead, ValidFor: d.ValidFor})
}

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kubedist/pkg/apt"
	"kubedist/pkg/gnupg"
	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/rotation"
)

// keyRotateOptions say how an archive moves to a key.
type keyRotateOptions struct {
	archive  archiveOptions
	announce string
	overlap  string
	json     bool
}

func newKeyRotateCommand(env *environment) *cobra.Command {
	var o keyRotateOptions
	cmd := &cobra.Command{
		Use:   "rotate KEY",
		Short: "Let an archive move to a new key, over months",
		Long: `Put a key into keys.yaml beside the archive's definition, with the days on which it
is announced, begins to sign, and the key before it stops. From then on every repo
command and release goes by that file when no --key is given, so that the archive
moves on by itself:

  announced     the new key is in the keyring; users get it with the keyring package
  overlap       both keys sign, so that either is enough
  afterwards    the new key signs alone; the old one stays in the keyring

KEY is the file of a secret key, gpg:FINGERPRINT for one that GnuPG keeps, or the file
of a public key, whose secret is then named with --key when it signs. keys.yaml holds
no secret. The first key in it signs at once: begin with the one that signs today.

When a key may be in other hands, --announce 0d --overlap 0d ends its service today;
revoke it too, and take that in with key renew: the keyring then tells users not to
trust it. They have to fetch the new one by hand, for the old key cannot vouch for it,
and publishing has to be forced past what that key has signed: repo publish --force past.
Where no key signs any more, as when the only one was revoked, KEY signs at once.

Exit status: 0 planned, 1 failed, 2 bad option or a key that does not fit.`,
		Example: `  kubedist key rotate archive.asc                # the key that signs today
  kubedist key new --output archive-2029.asc
  kubedist key rotate archive-2029.asc           # signs in 30 days, alone in 210
  kubedist key rotate gpg:1C9025A4215A5E83B5F7CAC4362BE50BE9DB61C3 --announce 60d`,
		Args: oneArg("KEY"),
		RunE: func(cmd *cobra.Command, args []string) error { return runKeyRotate(cmd.Context(), env, o, args[0]) },
	}
	o.addFlags(cmd)
	cmd.Flags().StringVar(&o.announce, "announce", "30d", "how long the new key is in the keyring before it signs")
	cmd.Flags().StringVar(&o.overlap, "overlap", "180d", "how long both keys sign")
	return cmd
}

// addFlags registers the flags that the commands about a plan share.
func (o *keyRotateOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.archive.definition, "definition", "", "file that defines the archive; keys.yaml lies beside it (default: repo/archive.yaml where there is one, else the one built in)")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the plan as JSON")
}

// load reads the definition of the archive, and the plan of its keys, nil where there is none.
func (o *keyRotateOptions) load() (*apt.Definition, *rotation.Plan, error) {
	d, err := o.archive.load()
	if err != nil {
		return nil, nil, usageError(err)
	}
	plan, err := loadPlan(o.archive.keysFile())
	return d, plan, err
}

// loadPlanned is load for the commands that need a plan.
func (o *keyRotateOptions) loadPlanned() (*apt.Definition, *rotation.Plan, error) {
	d, plan, err := o.load()
	if err == nil && plan == nil {
		err = usageError(hint.Errorf("kubedist key rotate KEY writes it", "keys of the archive: there is no %s", o.archive.keysFile()))
	}
	return d, plan, err
}

func runKeyRotate(ctx context.Context, env *environment, o keyRotateOptions, place string) error {
	d, plan, err := o.load()
	if err != nil {
		return err
	}
	file := o.archive.keysFile()
	if plan == nil {
		plan = &rotation.Plan{}
	}
	now := env.Now().UTC().Truncate(time.Second)
	rotate := rotation.RotateOptions{Now: now, ValidFor: d.ValidFor}
	if rotate.Announce, err = parseDays("announce", o.announce, now); err != nil {
		return usageError(err)
	}
	if rotate.Overlap, err = parseDays("overlap", o.overlap, now); err != nil {
		return usageError(err)
	}
	key, err := planKey(ctx, env, place, file)
	if err != nil {
		return usageError(err)
	}
	if key, err = plan.Rotate(key, rotate); err != nil {
		return usageError(err)
	}
	if err := plan.Save(file); err != nil {
		return hint.With(err, "name the archive's definition with --definition; keys.yaml is written beside it")
	}
	if !o.json {
		fmt.Fprintf(env.Stdout, "%s: key %s signs from %s on\n", file, key.Public.Fingerprint(), key.SignsFrom.Format(time.DateOnly))
	}
	return writeSchedule(env, o.json, plan, rotation.CheckOptions{Now: now, Lead: keyLead, ValidFor: d.ValidFor})
}

// keyLead is how long ahead the commands tell that keys run out: time to announce the next one and to let it overlap.
const keyLead = 180 * 24 * time.Hour

// parseDays reads a flag such as 30d as a length of whole days.
func parseDays(flag, text string, now time.Time) (time.Duration, error) {
	at, err := parseWhen(text, now)
	if err != nil || at.IsZero() || at.Before(now) {
		return 0, hint.Errorf("write it as 30d, 12w or 6m", "--%s %q: not a length of time", flag, text)
	}
	return at.Sub(now).Truncate(24 * time.Hour), nil
}

// planKey reads the key that is to go into the plan in file.
func planKey(ctx context.Context, env *environment, place, file string) (rotation.Key, error) {
	if fingerprint, inGnuPG := strings.CutPrefix(place, rotation.GnuPGPrefix); inGnuPG {
		s, err := gnupg.Open(ctx, fingerprint, gnupgOptions(env))
		if err != nil {
			return rotation.Key{}, err
		}
		return rotation.Key{Secret: rotation.GnuPGPrefix + s.Fingerprint(), Public: s.Public()}, nil
	}
	keys, err := readKeys(ctx, env, place)
	if err != nil {
		return rotation.Key{}, err
	}
	if len(keys) != 1 {
		return rotation.Key{}, hint.Errorf("give a file with the one key that is to sign", "key file %s: %d keys", place, len(keys))
	}
	k := rotation.Key{Public: keys[0].Public()}
	if keys[0].Secret() == openpgp.SecretAbsent {
		return k, nil
	}
	k.Secret, err = besidePlan(place, file)
	return k, err
}

// besidePlan words the path of a key file as the plan in file has it: relative to the plan, unless it was given as an
// absolute one and lies elsewhere.
func besidePlan(place, file string) (string, error) {
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return "", err
	}
	absolute, err := filepath.Abs(place)
	if err != nil {
		return "", err
	}
	relative, err := filepath.Rel(dir, absolute)
	if err != nil || filepath.IsAbs(place) && !filepath.IsLocal(relative) {
		return absolute, nil
	}
	return relative, nil
}

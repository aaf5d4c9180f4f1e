package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"kubedist/pkg/rotation"
)

func newKeyScheduleCommand(env *environment) *cobra.Command {
	var o keyRotateOptions
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: "Show which keys sign an archive when, and what is to be done",
		Long: `Show the plan in keys.yaml beside the archive's definition: since when each key is
announced, and from when until when it signs. Warns where the plan runs out of keys.

Exit status: 0 shown, 1 failed, 2 bad option, no plan or a bad one.`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return runKeySchedule(env, o) },
	}
	o.addFlags(cmd)
	return cmd
}

func runKeySchedule(env *environment, o keyRotateOptions) error {
	d, plan, err := o.loadPlanned()
	if err != nil {
		return err
	}
	return writeSchedule(env, o.json, plan, rotation.CheckOptions{Now: env.Now(), Lead: keyLead, ValidFor: d.ValidFor})
}

// A scheduledKey is what is shown of a key in a plan.
type scheduledKey struct {
	Fingerprint string    `json:"fingerprint"`
	State       string    `json:"state"` // announced, signs, retired, revoked or planned
	Secret      string    `json:"secret,omitempty"`
	Announced   time.Time `json:"announced"`
	SignsFrom   time.Time `json:"signsFrom"`
	SignsUntil  time.Time `json:"signsUntil,omitzero"`
	Expires     time.Time `json:"expires,omitzero"`
}

// writeSchedule shows a plan on standard output, and on standard error what in it wants attention.
func writeSchedule(env *environment, asJSON bool, plan *rotation.Plan, check rotation.CheckOptions) error {
	var keys []scheduledKey
	for _, k := range plan.Keys {
		state := "planned"
		switch {
		case k.Public.Revoked():
			state = "revoked"
		case k.SignsAt(check.Now):
			state = "signs"
		case !check.Now.Before(k.SignsFrom):
			state = "retired"
		case !check.Now.Before(k.Announced):
			state = "announced"
		}
		keys = append(keys, scheduledKey{k.Public.Fingerprint(), state, k.Secret, k.Announced, k.SignsFrom, k.SignsUntil, k.Public.Expires()})
	}
	findings := plan.Check(check)
	var err error
	if asJSON {
		err = writeJSON(env.Stdout, struct {
			Keys     []scheduledKey     `json:"keys"`
			Findings []rotation.Finding `json:"findings,omitempty"`
		}{keys, findings})
	} else {
		err = printSchedule(env.Stdout, keys)
	}
	for _, f := range findings {
		fmt.Fprintf(env.Stderr, "warning: key %s: %s\nhint: %s\n", f.Subject, f.Message, f.Hint)
	}
	return err
}

func printSchedule(out io.Writer, keys []scheduledKey) error {
	date := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.Format(time.DateOnly)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KEY\tSTATE\tANNOUNCED\tSIGNS FROM\tSIGNS UNTIL\tEXPIRES\tSECRET")
	for _, k := range keys {
		secret := k.Secret
		if secret == "" {
			secret = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.Fingerprint, k.State, date(k.Announced), date(k.SignsFrom), date(k.SignsUntil), date(k.Expires), secret)
	}
	return w.Flush()
}

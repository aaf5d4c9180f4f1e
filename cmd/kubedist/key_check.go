package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
)

// keyCheckOptions say for when keys are judged.
type keyCheckOptions struct {
	until      string
	warnBefore string
	json       bool
}

func newKeyCheckCommand(env *environment) *cobra.Command {
	var o keyCheckOptions
	cmd := &cobra.Command{
		Use:   "check KEY...",
		Short: "Check that apt takes what keys sign",
		Long: `Judge the keys in files, public or secret, or gpg:FINGERPRINT in GnuPG, as the gpgv of
Debian 12 and the sqv of apt 3 do: algorithm and size, self-signatures, expiry, revocation, whether they can
sign at all. No passphrase is needed.

An error means that some apt refuses the key's signatures, now or before --until. A
warning is something to see to. Each comes with what to do next.

Exit status: 0 good or warnings only, 1 failed, 2 bad option or not a key file,
3 there are errors.`,
		Example: `  kubedist key check release.asc
  kubedist key check --until 90d --warn-before 6m release.asc`,
		Args: someFiles,
		RunE: func(cmd *cobra.Command, args []string) error { return runKeyCheck(cmd.Context(), env, o, args) },
	}
	f := cmd.Flags()
	f.StringVar(&o.until, "until", "", "the keys must last until then: 90d, 2y, or a date such as 2030-01-31")
	f.StringVar(&o.warnBefore, "warn-before", "180d", "warn this long before a key ends")
	f.BoolVar(&o.json, "json", false, "print the findings as JSON")
	return cmd
}

// A keyReport is what there is to say about one key.
type keyReport struct {
	keyView
	Findings []openpgp.Finding `json:"findings"`
}

func runKeyCheck(ctx context.Context, env *environment, o keyCheckOptions, files []string) error {
	check := openpgp.CheckOptions{Now: env.Now()}
	warn, err := parseWhen(o.warnBefore, check.Now)
	if err != nil || warn.IsZero() {
		return usageError(hint.Errorf("write it as 30d", "--warn-before %q: not a length of time", o.warnBefore))
	}
	check.WarnBefore = warn.Sub(check.Now)
	if o.until != "" {
		if check.Until, err = parseWhen(o.until, check.Now); err != nil || check.Until.IsZero() {
			return usageError(hint.Errorf("write it as 90d or 2030-01-31", "--until %q: not a time", o.until))
		}
	}
	reports := []keyReport{}
	bad := 0
	for _, file := range files {
		keys, err := readKeys(ctx, env, file)
		if err != nil {
			return usageError(err)
		}
		for _, key := range keys {
			r := keyReport{viewKey(file, key), append([]openpgp.Finding{}, openpgp.Check(key.Public(), check)...)}
			if f, ok := looseFile(file, key); ok {
				r.Findings = append(r.Findings, f)
			}
			for _, f := range r.Findings {
				if f.Severity == openpgp.Error {
					bad++
				}
			}
			reports = append(reports, r)
		}
	}
	if o.json {
		err = writeJSON(env.Stdout, reports)
	} else {
		err = writeReports(env.Stdout, reports)
	}
	if err != nil {
		return err
	}
	if bad > 0 {
		return checkError(fmt.Errorf("keys: %s", count(bad, "error")))
	}
	return nil
}

// looseFile reports a secret that others than its owner can read.
func looseFile(path string, key *openpgp.Key) (openpgp.Finding, bool) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o077 == 0 || key.Secret() < openpgp.SecretLocked {
		return openpgp.Finding{}, false
	}
	return openpgp.Finding{
		Severity: openpgp.Warning,
		Subject:  path,
		Message:  fmt.Sprintf("others can read or change the secret: mode %04o", info.Mode().Perm()),
		Hint:     "chmod 600 " + path,
	}, true
}

// writeReports shows findings to people: a table, with what to do next below each finding.
func writeReports(w io.Writer, reports []keyReport) error {
	var buf bytes.Buffer
	for _, r := range reports {
		verdict := "good, expires " + ending(r.keyView)
		if len(r.Findings) > 0 {
			verdict = count(len(r.Findings), "finding")
		}
		fmt.Fprintf(&buf, "%s  %s  %s: %s\n", r.Fingerprint, r.Algorithm, strings.Join(r.UserIDs, ", "), verdict)
		table := tabwriter.NewWriter(&buf, 0, 0, 2, ' ', 0)
		for _, f := range r.Findings {
			fmt.Fprintf(table, "  %s\t%s\n", f.Severity, f.Message)
			if f.Subject != r.Fingerprint {
				fmt.Fprintf(table, "  \tin: %s\n", f.Subject)
			}
			if f.Hint != "" {
				fmt.Fprintf(table, "  \thint: %s\n", f.Hint)
			}
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	_, err := w.Write(buf.Bytes())
	return err
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

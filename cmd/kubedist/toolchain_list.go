package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"kubedist/pkg/buildroot"
)

// toolchainListOptions are the flags of toolchain list.
type toolchainListOptions struct {
	specs specOptions
	json  bool
}

func newToolchainListCommand(env *environment) *cobra.Command {
	o := &toolchainListOptions{}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show which tool chains there are, and which are in the cache",
		Long: `Prints a line for each tool chain of the specification: its Debian suite, the machine that it runs on, its packages, the
megabytes they have, and where its root is.

Exit status: 0 done, 1 failed, 2 bad option or input.`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return runToolchainList(env, o) },
	}
	o.specs.addFlags(cmd)
	cmd.Flags().BoolVar(&o.json, "json", false, "print one JSON object per tool chain")
	return cmd
}

// listedToolchain is what list says of a tool chain.
type listedToolchain struct {
	Suite        string `json:"suite"`
	Architecture string `json:"architecture"`
	Packages     int    `json:"packages"`
	Bytes        int64  `json:"bytes"`
	Digest       string `json:"digest"`
	Dir          string `json:"dir,omitempty"` // "" when it is not in the cache
	Why          string `json:"why,omitempty"` // why it is not
}

func runToolchainList(env *environment, o *toolchainListOptions) error {
	s, _, err := o.specs.load()
	if err != nil {
		return usageError(err)
	}
	table := tabwriter.NewWriter(env.Stdout, 0, 8, 2, ' ', 0)
	if !o.json {
		fmt.Fprintln(table, "SUITE\tMACHINE\tPACKAGES\tMB\tROOT")
	}
	for _, t := range s.Toolchains {
		l := listedToolchain{Suite: t.Suite, Architecture: t.Architecture, Packages: len(t.Locked), Bytes: t.Size(), Digest: t.Digest()}
		root, err := buildroot.Open(t, env.CacheDir)
		var at string
		switch {
		case err == nil:
			l.Dir = root.Dir()
			at = l.Dir
		case errors.Is(err, buildroot.ErrNotFetched):
			l.Why = buildroot.ErrNotFetched.Error()
			at = l.Why
		default:
			l.Why = err.Error()
			at = l.Why
		}
		if o.json {
			if err := json.NewEncoder(env.Stdout).Encode(l); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\n", l.Suite, l.Architecture, l.Packages, l.Bytes/1e6, at)
	}
	return table.Flush()
}

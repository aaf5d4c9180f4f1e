package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kubedist/pkg/apt"
	"kubedist/pkg/hint"
)

// copyOperation lists in one suite what another one lists.
type copyOperation struct {
	from      apt.Reference
	to        string
	selectors []apt.Selector
}

func newRepoCopyCommand(env *environment) *cobra.Command {
	return newOperationCommand(env, &copyOperation{}, &cobra.Command{
		Use:   "copy FROM TO [RELATION...]",
		Short: "List in one suite what another one lists, and publish",
		Long: `Lists packages of one suite in another one, too: the same files of the pool, as they were tested. Relations select
them by name and version, as Depends fields have them; without any, all are copied. FROM may be a suite of a snapshot,
written SUITE@SNAPSHOT. Nothing is copied when the suite does not take one of the versions.`,
		Example: `  kubedist repo copy unstable stable 'kubeadm (= 1.36.3-1.1)' 'kubelet (= 1.36.3-1.1)' 'kubectl (= 1.36.3-1.1)'
  kubedist repo copy testing stable --dry-run
  kubedist repo copy stable@2026-07 stable 'cri-tools (<< 1.36)'`,
		Args: cobra.ArbitraryArgs,
	})
}

func (o *copyOperation) addFlags(*pflag.FlagSet) {}

func (o *copyOperation) take(args []string) error {
	if len(args) < 2 {
		return usageError(hint.Errorf("name two suites, as in: copy testing stable", "copy: needs FROM and TO, got %s", count(len(args), "argument")))
	}
	var err error
	if o.from, err = apt.ParseReference(args[0]); err != nil {
		return usageError(err)
	}
	o.to = args[1]
	o.selectors, err = parseSelectors(args[2:])
	return err
}

func (o *copyOperation) run(ctx context.Context, s *session) error {
	copied, err := s.tx.Copy(ctx, apt.CopyOptions{From: o.from, To: o.to, Selectors: o.selectors})
	if err != nil {
		return inputError(err)
	}
	if len(copied) == 0 {
		fmt.Fprintf(s.env.Stderr, "warning: suite %s has nothing to copy\n", o.from)
	}
	for _, c := range copied {
		s.changes.Copied = append(s.changes.Copied, copiedPackage{o.from.String(), o.to, c})
	}
	return nil
}

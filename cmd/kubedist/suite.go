package main

import (
	"context"

	"github.com/spf13/cobra"

	"kubedist/pkg/closure"
	"kubedist/pkg/openpgp"
)

// suiteOptions say where the signed index of a Debian suite comes from, and which keys may have signed it.
type suiteOptions struct {
	mirror   mirrorOptions
	keyrings []string
}

func (o *suiteOptions) addFlags(cmd *cobra.Command) {
	o.mirror.addFlags(cmd)
	cmd.Flags().StringSliceVar(&o.keyrings, "keyring", nil, "keyring that a key of the suite must be in (default: those of debian-archive-keyring)")
}

// open reads the suite with a codename.
func (o *suiteOptions) open(ctx context.Context, env *environment, codename string) (*closure.Suite, error) {
	var keys []*openpgp.Certificate
	var err error
	if len(o.keyrings) > 0 {
		keys, err = closure.ReadKeyrings(o.keyrings...)
	} else {
		keys, err = closure.HostKeyring("/")
	}
	if err != nil {
		return nil, usageError(err)
	}
	m, err := o.mirror.open()
	if err != nil {
		return nil, err
	}
	return closure.Open(ctx, closure.Options{Suite: codename, Mirror: m, Keyring: keys, Now: env.Now()})
}

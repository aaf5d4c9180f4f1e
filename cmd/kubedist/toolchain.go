package main

import (
	"github.com/spf13/cobra"

	"kubedist/pkg/hint"
	"kubedist/pkg/mirror"
	"kubedist/pkg/spec"
)

func newToolchainCommand(env *environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "toolchain",
		Short: "Get the C compilers that programs with cgo are compiled with",
		Long: `Some official programs are linked with the C library, by the compilers of an old Debian release. The files below
specs/toolchains say which packages these are, to the byte. From them kubedist makes a root in its cache, and compiles in
it: nothing is installed on the machine, no root rights are needed, and nothing changes when Debian does.

The packages come from --debian-mirror, or else from the first Debian mirror in the configuration of apt.`,
		Args: cobra.ArbitraryArgs,
		RunE: unknownCommand,
	}
	cmd.AddCommand(newToolchainFetchCommand(env), newToolchainListCommand(env), newToolchainRunCommand(env), newToolchainLockCommand(env))
	return cmd
}

// mirrorOptions say where Debian's packages come from.
type mirrorOptions struct {
	url string
}

func (o *mirrorOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.url, "debian-mirror", "", "URL of the Debian mirror to take packages from (default: the first one in the configuration of apt)")
}

// check refuses what is no mirror. Without the flag nothing is asked for: commands may need none, and the machine have none.
func (o *mirrorOptions) check() error {
	if o.url == "" {
		return nil
	}
	_, err := o.open()
	return err
}

func (o *mirrorOptions) open() (*mirror.Mirror, error) {
	m, err := mirror.Open(o.url, mirror.AptDir)
	return m, usageError(err)
}

// toolchainOf returns the tool chain of a suite.
func toolchainOf(s *spec.Spec, suite string) (spec.Toolchain, error) {
	t, ok := s.Toolchain(suite)
	if !ok {
		return t, usageError(hint.Errorf("kubedist toolchain list shows those that there are", "tool chain %q is not declared", suite))
	}
	return t, nil
}

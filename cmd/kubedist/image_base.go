package main

import (
	"github.com/spf13/cobra"

	"kubedist/pkg/hint"
	"kubedist/pkg/spec"
)

func newImageBaseCommand(env *environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "base",
		Short: "Get what images are built on",
		Long: `The files below specs/bases say what lies below the programs in an image: packages of a Debian release, each to the byte
and for every architecture, unpacked without running a script of theirs, or an image that is there already.

The packages come from --debian-mirror, or else from the first Debian mirror in the configuration of apt.`,
		Args: cobra.ArbitraryArgs,
		RunE: unknownCommand,
	}
	cmd.AddCommand(newImageBaseFetchCommand(env), newImageBaseLockCommand(env))
	return cmd
}

// baseOf returns the base of a name.
func baseOf(s *spec.Spec, name string) (spec.Base, error) {
	b, ok := s.Base(name)
	if !ok {
		return b, usageError(hint.Errorf("specs/bases has those that there are", "base %q is not declared", name))
	}
	return b, nil
}

// runsImages reports whether images are made for a platform.
func runsImages(p spec.Platform) bool {
	return p.ID.OS == "linux" && p.Debian != "" && p.Serves([]spec.Role{spec.Node, spec.Server})
}

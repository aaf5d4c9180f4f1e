package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"kubedist/pkg/release"
)

func newSourceCommand(env *environment) *cobra.Command {
	o := &releaseOptions{}
	cmd := &cobra.Command{
		Use:   "source VERSION",
		Short: "Fetch the Kubernetes source tree of a release and print where it is",
		Long: `Puts the source tree together as a release does, verified and vendored, and prints its directory. The tree belongs
to kubedist's cache: copy it before you change something.`,
		Args: oneArg("VERSION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			options, err := o.options(cmd.Context(), env, release.Build, args[0])
			if err != nil {
				return err
			}
			tree, err := release.OpenPrimary(cmd.Context(), options)
			if err != nil {
				return sourceStatus(err)
			}
			_, err = fmt.Fprintln(env.Stdout, tree.Dir)
			return err
		},
	}
	o.spec.addFlags(cmd)
	cmd.Flags().StringVar(&o.toolchain, "toolchain", "", `"local" uses the installed Go instead of the release that the tree pins`)
	return cmd
}

package main

import "github.com/spf13/cobra"

func newImageCommand(env *environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "image",
		Short: "Make container images of a release, and bring them to registries",
		Args:  cobra.ArbitraryArgs,
		RunE:  unknownCommand,
	}
	cmd.AddCommand(newImageBuildCommand(env), newImagePushCommand(env), newImageBaseCommand(env))
	return cmd
}

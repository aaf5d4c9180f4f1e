package main

import "github.com/spf13/cobra"

func newImageCommand(env *environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "image",
		Short: "Make and publish container images",
		Args:  cobra.ArbitraryArgs,
		RunE:  unknownCommand,
	}
	cmd.AddCommand(newImageBuildCommand(env), newImageBaseCommand(env))
	return cmd
}

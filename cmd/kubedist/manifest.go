package main

import "github.com/spf13/cobra"

func newManifestCommand(env *environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "manifest",
		Short: "Make manifest lists of images in registries, and look at them",
		Long: `Makes one name of the images of several platforms, so that each machine gets its own: a manifest list, which the OCI
calls an image index. The commands and their flags are those of manifest-tool.`,
		Args: cobra.ArbitraryArgs,
		RunE: unknownCommand,
	}
	cmd.AddCommand(newManifestPushCommand(env), newManifestInspectCommand(env))
	return cmd
}

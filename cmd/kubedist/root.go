package main

import "github.com/spf13/cobra"

// newRootCommand builds the whole command tree over env.
func newRootCommand(env *environment) *cobra.Command {
	root := &cobra.Command{
		Use:           "kubedist",
		Short:         "Build, package and publish Kubernetes for every architecture",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE:          unknownCommand,
	}
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError(err) })
	root.AddCommand(newReleaseCommand(env), newPlanCommand(env), newSourceCommand(env), newBuildCommand(env), newPackageCommand(env), newTarballCommand(env),
		newVerifyCommand(env), newRebuildCommand(env), newImageCommand(env), newManifestCommand(env), newRepoCommand(env), newKeyCommand(env), newToolchainCommand(env), newDocsCommand(env), newDoctorCommand(env))
	return root
}

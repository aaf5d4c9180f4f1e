package main

import (
	"github.com/spf13/cobra"
	"kubedist/pkg/release"
)

func newPlanCommand(env *environment) *cobra.Command {
	o := &releaseOptions{}
	cmd := &cobra.Command{
		Use:   "plan VERSION",
		Short: "Show what a release would consist of, without making it",
		Args:  oneArg("VERSION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			options, err := o.options(cmd.Context(), env, release.Build, args[0])
			if err != nil {
				return err
			}
			options.Selection.Until = release.Publish
			plan, err := release.PlanOnly(cmd.Context(), options)
			if err != nil {
				return sourceStatus(err)
			}
			if o.show.json {
				return writeJSON(env.Stdout, plan)
			}
			return plan.Write(env.Stdout)
		},
	}
	o.addFlags(cmd, release.Build)
	cmd.Flags().StringVar(&o.revision, "revision", "1.1", "Debian revision of the packages")
	return cmd
}

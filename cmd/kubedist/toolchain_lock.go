package main

import (
	"context"

	"github.com/spf13/cobra"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/closure"
)

// toolchainLockOptions are the flags of toolchain lock.
type toolchainLockOptions struct {
	specs  specOptions
	suite  suiteOptions
	like   string
	output string
}

func newToolchainLockCommand(env *environment) *cobra.Command {
	o := &toolchainLockOptions{}
	cmd := &cobra.Command{
		Use:   "lock SUITE",
		Short: "Write down which packages a tool chain is made of",
		Long: `Resolves what the tool chain of a Debian suite asks for, with all it depends on, and prints its file for
specs/toolchains: name, version, path and SHA-256 of each package. What people wrote into the file stays.

The suite's InRelease must be signed by a key of the Debian archive: one of package debian-archive-keyring as it is
installed here, or of --keyring. This is the only command that looks into the index of a mirror.

Exit status: 0 done, 1 failed, 2 bad option or input.`,
		Example: `  kubedist toolchain lock bullseye --output specs/toolchains/bullseye.yaml
  kubedist toolchain lock bookworm --like bullseye --output specs/toolchains/bookworm.yaml`,
		Args: oneArg("SUITE"),
		RunE: func(cmd *cobra.Command, args []string) error { return runToolchainLock(cmd.Context(), env, o, args[0]) },
	}
	o.specs.addFlags(cmd)
	o.suite.addFlags(cmd)
	cmd.Flags().StringVar(&o.like, "like", "", "suite to ask for the same as, for a suite that has no tool chain yet")
	cmd.Flags().StringVar(&o.output, "output", "", "file to write (default: standard output)")
	return cmd
}

func runToolchainLock(ctx context.Context, env *environment, o *toolchainLockOptions, suite string) error {
	s, _, err := o.specs.load()
	if err != nil {
		return usageError(err)
	}
	model := suite
	if o.like != "" {
		model = o.like
	}
	t, err := toolchainOf(s, model)
	if err != nil {
		return err
	}
	t.Suite = suite
	from, err := o.suite.open(ctx, env, suite)
	if err != nil {
		return err
	}
	t.Locked, err = from.Resolve(ctx, closure.Request{Architecture: t.Architecture, Packages: t.Packages, Lacks: t.Lacks})
	if err != nil {
		return err
	}
	if o.output != "" {
		return atomicfile.WriteFile(o.output, closure.Text(t), 0o644)
	}
	_, err = env.Stdout.Write(closure.Text(t))
	return err
}

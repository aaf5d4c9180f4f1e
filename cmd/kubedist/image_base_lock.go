package main

import (
	"context"

	"github.com/spf13/cobra"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/closure"
	"kubedist/pkg/hint"
	"kubedist/pkg/spec"
)

// imageBaseLockOptions are the flags of image base lock.
type imageBaseLockOptions struct {
	specs  specOptions
	suite  suiteOptions
	output string
}

func newImageBaseLockCommand(env *environment) *cobra.Command {
	o := &imageBaseLockOptions{}
	cmd := &cobra.Command{
		Use:   "lock NAME",
		Short: "Write down which packages a base is made of",
		Long: `Resolves what a base asks for, with all it depends on, for every Linux platform of the specification that has packages and
is a node or a server, and prints the base's file for specs/bases: name, version, path and SHA-256 of each package. What
people wrote into the file stays. All architectures are of one state of the suite.

The suite's InRelease must be signed by a key of the Debian archive: one of package debian-archive-keyring as it is
installed here, or of --keyring. A machine with an older Debian may lack the keys of a newer one; the newer one's
debian-archive-keyring has them, and unpacking it with dpkg-deb -x is enough.

Exit status: 0 done, 1 failed, 2 bad option or input.`,
		Example: `  kubedist image base lock static --output specs/bases/static.yaml`,
		Args:    oneArg("NAME"),
		RunE:    func(cmd *cobra.Command, args []string) error { return runImageBaseLock(cmd.Context(), env, o, args[0]) },
	}
	o.specs.addFlags(cmd)
	o.suite.addFlags(cmd)
	cmd.Flags().StringVar(&o.output, "output", "", "file to write (default: standard output)")
	return cmd
}

func runImageBaseLock(ctx context.Context, env *environment, o *imageBaseLockOptions, name string) error {
	s, _, err := o.specs.load()
	if err != nil {
		return usageError(err)
	}
	b, err := baseOf(s, name)
	if err != nil {
		return err
	}
	if !b.Packed() {
		return usageError(hint.Errorf("its digest stands in the specification: change it there", "base %q is not made of packages", name))
	}
	suite, err := o.suite.open(ctx, env, b.Suite)
	if err != nil {
		return err
	}
	b.Locked, err = suite.ResolveBase(ctx, b, baseArchitectures(s))
	if err != nil {
		return err
	}
	if o.output != "" {
		return atomicfile.WriteFile(o.output, closure.BaseText(b), 0o644)
	}
	_, err = env.Stdout.Write(closure.BaseText(b))
	return err
}

// baseArchitectures lists what Debian calls the platforms that images run on, in the order of the platforms.
func baseArchitectures(s *spec.Spec) []string {
	var list []string
	for _, p := range s.Platforms {
		if runsImages(p) {
			list = append(list, p.Debian)
		}
	}
	return list
}

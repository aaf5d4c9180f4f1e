package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"kubedist/pkg/release"
)

func newRebuildCommand(env *environment) *cobra.Command {
	o := &releaseOptions{}
	cmd := &cobra.Command{
		Use:   "rebuild VERSION|PROGRAM",
		Short: "Make published programs again from source and compare the bytes",
		Long: `With a version that specs/releases knows, makes the programs of that release whose published digests stand there and
compares. With the file of a program, reads out of it which commit, version, platform, way of linking and build date it has,
makes it again, and compares the two files; the program is not run. Either way the source comes from the Go module proxy,
checked against the checksum database, or from --source DIR.

The status is 0 when all are identical, 3 when one is not, 2 when there is nothing to go by.`,
		Example: `  kubedist rebuild v1.34.0
  kubedist rebuild v1.34.0 --program kubeadm --platform linux/amd64
  kubedist rebuild ./kubelet`,
		Args: oneArg("VERSION or PROGRAM"),
		RunE: func(cmd *cobra.Command, args []string) error { return runRebuild(cmd, env, o, args[0]) },
	}
	f := cmd.Flags()
	o.spec.addFlags(cmd)
	f.StringSliceVar(&o.platforms, "platform", nil, "of a version: platforms to compare (default: all that are known)")
	f.StringSliceVar(&o.programs, "program", nil, "of a version: programs to compare (default: all that are known)")
	f.StringArrayVar(&o.sources, "source", nil, "take the source from a checkout or unpacked tree instead of the module proxy")
	o.mirror.addFlags(cmd)
	f.StringVar(&o.buildDate, "build-date", "", "of a program: its build date in RFC 3339, where it cannot be read out of it")
	f.StringVar(&o.toolchain, "toolchain", "", `"local" compiles with the installed Go instead of the release that the tree pins`)
	f.StringVar(&o.out, "out", "rebuilt", "directory for what is made; a release goes to OUT/VERSION")
	f.IntVar(&o.jobs, "jobs", 0, "cores to use (default: all)")
	f.StringVar(&o.memory, "memory", "", "memory to use, such as 8G (default: what is free)")
	o.show.addFlags(cmd)
	return cmd
}

func runRebuild(cmd *cobra.Command, env *environment, o *releaseOptions, what string) error {
	options, err := o.options(cmd.Context(), env, release.Build, what)
	if err != nil {
		return err
	}
	info, err := os.Stat(what)
	ofProgram := err == nil && !info.IsDir()
	if ofProgram && len(o.platforms)+len(o.programs) > 0 {
		return usageError(errors.New("--platform and --program go with a version: a program tells its own"))
	}
	if !ofProgram && o.buildDate != "" {
		return usageError(errors.New("--build-date goes with a program: specs/releases has that of a version"))
	}
	view, err := o.show.open(env)
	if err != nil {
		return err
	}
	options.Reporter = view
	var c *release.Comparison
	if ofProgram {
		c, err = release.RebuildProgram(cmd.Context(), options, what)
	} else {
		c, err = release.Rebuild(cmd.Context(), options)
	}
	if err := errors.Join(err, view.Close()); err != nil {
		return sourceStatus(err)
	}
	var printed error
	if err := o.show.result(env, c, func(w io.Writer) { printed = printComparison(w, c) }); err != nil || printed != nil {
		return errors.Join(err, printed)
	}
	if same := c.Count(release.Identical); same < len(c.Programs) {
		return checkError(fmt.Errorf("%s: %d of %s identical", what, same, count(len(c.Programs), "program")))
	}
	return nil
}

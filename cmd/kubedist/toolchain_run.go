package main

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"kubedist/pkg/buildroot"
	"kubedist/pkg/hint"
)

// toolchainRunOptions are the flags of toolchain run.
type toolchainRunOptions struct {
	specs specOptions
	binds []string
	env   []string
	dir   string
}

func newToolchainRunCommand(env *environment) *cobra.Command {
	o := &toolchainRunOptions{}
	cmd := &cobra.Command{
		Use:   "run SUITE PROGRAM [ARGUMENT]…",
		Short: "Run a program inside of a tool chain",
		Long: `Runs a program of a tool chain that is in the cache, as a build does: with the root's files, read-only, what --bind adds,
/proc, a few devices and an empty /tmp. Of the environment it gets what --env says, and a PATH. PROGRAM is an absolute path.

Exit status: that of the program, 125 when it could not be started inside, 1 when it was not tried, 2 bad option or input.`,
		Example: `  kubedist toolchain run bullseye /usr/bin/aarch64-linux-gnu-gcc --version
  kubedist toolchain run --bind .:/src:rw --dir /src bullseye /usr/bin/gcc hello.c -o hello`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usageError(hint.Errorf("see "+cmd.CommandPath()+" --help", "%s takes SUITE and PROGRAM, got %s", cmd.CommandPath(), count(len(args), "argument")))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return runToolchainRun(cmd.Context(), env, o, args) },
	}
	cmd.Flags().SetInterspersed(false)
	o.specs.addFlags(cmd)
	cmd.Flags().StringArrayVar(&o.binds, "bind", nil, "file or directory to have inside, as HOST:INSIDE, or HOST:INSIDE:rw to write to it")
	cmd.Flags().StringArrayVar(&o.env, "env", nil, "variable of the program's environment, as KEY=VALUE")
	cmd.Flags().StringVar(&o.dir, "dir", "/", "directory inside to run in")
	return cmd
}

func runToolchainRun(ctx context.Context, env *environment, o *toolchainRunOptions, args []string) error {
	s, _, err := o.specs.load()
	if err != nil {
		return usageError(err)
	}
	t, err := toolchainOf(s, args[0])
	if err != nil {
		return err
	}
	binds, err := parseBinds(o.binds)
	if err != nil {
		return usageError(err)
	}
	root, err := buildroot.Open(t, env.CacheDir)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, args[1], args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = env.Stdin, env.Stdout, env.Stderr
	cmd.Dir, cmd.Env = o.dir, append([]string{"PATH=/usr/local/go/bin:/usr/bin:/bin", "LC_ALL=C"}, o.env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	if err := root.Wrap(cmd, binds); err != nil {
		return usageError(err)
	}
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return withStatus(err, exit.ExitCode())
	}
	return buildroot.Explain(err)
}

// parseBinds reads the values of --bind.
func parseBinds(texts []string) ([]buildroot.Bind, error) {
	var all []buildroot.Bind
	for _, text := range texts {
		words := strings.Split(text, ":")
		writable := len(words) == 3 && words[2] == "rw"
		if len(words) != 2 && !writable {
			return nil, hint.Errorf("write it as HOST:INSIDE or HOST:INSIDE:rw", "--bind %q is not understood", text)
		}
		host, err := filepath.Abs(words[0])
		if err != nil {
			return nil, err
		}
		all = append(all, buildroot.Bind{Host: host, Inside: words[1], Writable: writable})
	}
	return all, nil
}

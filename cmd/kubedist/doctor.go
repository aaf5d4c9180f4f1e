package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/spf13/cobra"
	"kubedist/pkg/build"
	"kubedist/pkg/gocmd"
	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
)

func newDoctorCommand(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check whether this machine can make a release",
		Long: `Looks at what a release needs: the go command, cores and memory, directories that can be written, the key that
would sign. Says what to do about each thing that is missing, and ends with status 3 when something is.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDoctor(cmd.Context(), env) },
	}
}

// diagnosis is one thing looked at.
type diagnosis struct {
	subject  string
	state    string
	warnings []openpgp.Finding // what will be wrong unless something is done
	err      error
}

func runDoctor(ctx context.Context, env *environment) error {
	budget := build.MachineBudget()
	all := []diagnosis{
		goCommand(ctx),
		{subject: "machine", state: fmt.Sprintf("%s/%s, %d cores, %.1f GB of memory free: compiles %d platforms at a time", runtime.GOOS, runtime.GOARCH,
			budget.Cores, float64(budget.Memory)/1e9, budget.Lanes())},
		directory("cache", env.CacheDir),
		directory("configuration", env.ConfigDir),
	}
	all = append(all, signingKeys(ctx, env)...)
	failed := 0
	for _, d := range all {
		printDiagnosis(env.Stdout, d)
		if d.err != nil {
			failed++
		}
	}
	if failed > 0 {
		return checkError(fmt.Errorf("%d of %d things a release needs are missing", failed, len(all)))
	}
	return nil
}

func printDiagnosis(w io.Writer, d diagnosis) {
	if d.err == nil {
		fmt.Fprintf(w, "ok     %-14s %s\n", d.subject, d.state)
		for _, f := range d.warnings {
			fmt.Fprintf(w, "warn   %-14s %s\n       %-14s hint: %s\n", d.subject, f.Message, "", f.Hint)
		}
		return
	}
	fmt.Fprintf(w, "WRONG  %-14s %v\n", d.subject, d.err)
	if next := hint.Of(d.err); next != "" {
		fmt.Fprintf(w, "       %-14s hint: %s\n", "", next)
	}
}

func goCommand(ctx context.Context) diagnosis {
	d := diagnosis{subject: "go"}
	command, err := gocmd.New(ctx, gocmd.Options{Toolchain: gocmd.Local, Environ: os.Environ()})
	if err == nil {
		d.state, err = command.Version(ctx)
		d.state += "; the release that a tree pins is fetched when it is another"
	}
	d.err = err
	return d
}

// directory checks that path can be written into, making it as a release would.
func directory(subject, path string) diagnosis {
	d := diagnosis{subject: subject, state: path}
	if d.err = os.MkdirAll(path, 0o700); d.err != nil {
		return d
	}
	f, err := os.CreateTemp(path, ".kubedist-doctor-*")
	if err != nil {
		d.err = hint.With(err, "make it writable, or move it with KUBEDIST_CACHE or KUBEDIST_CONFIG")
		return d
	}
	f.Close()
	d.err = os.Remove(f.Name())
	return d
}

// Command kubedist turns a Kubernetes source tree into a release: binaries for every platform, signed packages, an apt
// archive and tarballs.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"kubedist/pkg/buildroot"
	"kubedist/pkg/hint"
)

func main() {
	if status, did := standIn(os.Args, os.Getenv, os.Getwd, os.Stdout, os.Stderr); did {
		os.Exit(status)
	}
	if order, asked := buildroot.Asked(os.Args[0], os.Getenv); asked {
		os.Exit(buildroot.Enter(order, os.Args[1:], os.Environ(), os.Stderr))
	}
	os.Exit(run(context.Background(), os.Args[1:]))
}

// run executes one command line, until it ends or a signal ends it, and returns the exit status.
func run(ctx context.Context, args []string) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	env, err := processEnvironment()
	if err != nil {
		fmt.Fprintf(os.Stderr, "kubedist: %v\n", err)
		return exitFailure
	}
	root := newRootCommand(env)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if errors.Is(err, context.Canceled) {
		err = hint.Errorf("run the same command again: what is finished is not done twice", "interrupted: %w", context.Canceled)
	}
	if err != nil {
		printError(env, cmd, err)
	}
	return exitStatus(err)
}

// printError says what went wrong and what helps: on standard error, and to programs that asked for JSON as the last
// line of standard output.
func printError(env *environment, cmd *cobra.Command, err error) {
	next := hint.Of(err)
	fmt.Fprintf(env.Stderr, "kubedist: %v\n", err)
	if next != "" {
		fmt.Fprintf(env.Stderr, "hint: %s\n", next)
	}
	if asked := cmd.Flags().Lookup("json"); asked == nil || asked.Value.String() != "true" {
		return
	}
	// Standard error has it already when standard output is gone.
	_ = json.NewEncoder(env.Stdout).Encode(struct {
		Kind    string    `json:"kind"`
		Error   string    `json:"error"`
		Hint    string    `json:"hint,omitempty"`
		Status  int       `json:"status"`
		Refused []refused `json:"refused,omitempty"`
	}{"error", err.Error(), next, exitStatus(err), refusedFor(err)})
}

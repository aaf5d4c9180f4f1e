// Command kubedist turns a Kubernetes source tree into a release: binaries for every platform, signed packages, an apt
// archive and tarballs.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"kubedist/pkg/hint"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:]))
}

// run executes one command line, until it ends or a signal ends it, and returns the exit status.
func run(ctx context.Context, args []string) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	env, err := processEnvironment()
	if err == nil {
		root := newRootCommand(env)
		root.SetArgs(args)
		err = root.ExecuteContext(ctx)
	}
	if errors.Is(err, context.Canceled) {
		err = hint.Errorf("run the same command again: what is finished is not done twice", "interrupted: %w", context.Canceled)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "kubedist: %v\n", err)
		if next := hint.Of(err); next != "" {
			fmt.Fprintf(os.Stderr, "hint: %s\n", next)
		}
	}
	return exitStatus(err)
}

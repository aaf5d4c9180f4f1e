// Command kubedist turns a Kubernetes source tree into a release: binaries for every platform, signed packages, an apt
// archive and tarballs.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"kubedist/pkg/hint"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

// run executes one command line and returns the exit status.
func run(ctx context.Context, args []string) int {
	env, err := processEnvironment()
	if err == nil {
		root := newRootCommand(env)
		root.SetArgs(args)
		err = root.ExecuteContext(ctx)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "kubedist: %v\n", err)
		if next := hint.Of(err); next != "" {
			fmt.Fprintf(os.Stderr, "hint: %s\n", next)
		}
	}
	return exitStatus(err)
}

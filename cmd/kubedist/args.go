package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"kubedist/pkg/hint"
)

// oneArg asks for exactly one argument, called name.
func oneArg(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageError(hint.Errorf("see "+cmd.CommandPath()+" --help", "%s takes %s, got %s", cmd.CommandPath(), name, count(len(args), "argument")))
		}
		return nil
	}
}

// noArguments is cobra.NoArgs with the exit status of bad usage.
func noArguments(cmd *cobra.Command, args []string) error {
	return usageError(hint.With(cobra.NoArgs(cmd, args), "see "+cmd.CommandPath()+" --help"))
}

// someArgs asks for at least one argument.
func someArgs(names string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usageError(hint.Errorf("see "+cmd.CommandPath()+" --help", "%s takes %s, got none", cmd.CommandPath(), names))
		}
		return nil
	}
}

// unknownCommand runs where no command of cmd was named: with nothing it shows the help, with anything else it says what
// may have been meant.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	next := "see " + cmd.CommandPath() + " --help"
	cmd.SuggestionsMinimumDistance = 2
	if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
		next = "did you mean " + strings.Join(similar, " or ") + "?"
	}
	return usageError(hint.With(fmt.Errorf("unknown command %q for %s", args[0], cmd.CommandPath()), next))
}

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kubedist/pkg/hint"
)

// maxOperation bounds a line of repo apply in bytes.
const maxOperation = 1 << 20

func newRepoApplyCommand(env *environment) *cobra.Command {
	o := &publishingOptions{}
	cmd := &cobra.Command{
		Use:   "apply FILE|-",
		Short: "Do several operations at once, and publish",
		Long: `Reads operations from a file, or from standard input, and does them in one transaction: what they change becomes
visible together, or not at all. There is one on each line, written as after "kubedist repo":

  snapshot NAME [--suite SUITE,...]
  add DEB|DIR... [--suite SUITE,...] [--component NAME] [--keep-existing]
  remove RELATION... --suite SUITE,...
  copy FROM TO [RELATION...]
  rollback [SUITE...] NAME

Words with blanks in them stand in quotes. Empty lines, and what follows a # at the start of a word, mean nothing. A
snapshot keeps what was published before, so it stands before the lines that change anything. What the pool holds for
no suite is removed by repo gc, alone.

Exit status: 0 done, 1 failed, 2 bad option or input. An error names the line; nothing was published then.`,
		Example: `  kubedist repo apply release-day.txt --dry-run
  printf '%s\n' 'snapshot before-1.36.3' 'add out/v1.36.3/debs' "remove 'kubeadm (<< 1.34)' --suite stable" | kubedist repo apply -`,
		Args: oneArg("FILE|-"),
		RunE: func(cmd *cobra.Command, args []string) error { return runRepoApply(cmd.Context(), env, o, args[0]) },
	}
	o.addFlags(cmd)
	return cmd
}

func runRepoApply(ctx context.Context, env *environment, o *publishingOptions, file string) error {
	in := env.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return usageError(err)
		}
		defer f.Close()
		in = f
	} else {
		file = "standard input"
	}
	operations, err := parseOperations(file, in)
	if err != nil {
		return usageError(err)
	}
	return runOperations(ctx, env, o, operations...)
}

// parseOperations reads one operation from each line. Errors name the line.
func parseOperations(name string, r io.Reader) ([]operation, error) {
	var operations []operation
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxOperation)
	for n := 1; lines.Scan(); n++ {
		words, err := splitWords(lines.Text())
		if err == nil && len(words) == 0 {
			continue
		}
		place := fmt.Sprintf("%s:%d", name, n)
		var op operation
		if err == nil {
			op, err = parseOperation(words)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", place, err)
		}
		operations = append(operations, &placedOperation{op, place})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(operations) == 0 {
		return nil, fmt.Errorf("%s: no operation in it", name)
	}
	return operations, nil
}

// parseOperation reads one operation from its words.
func parseOperation(words []string) (operation, error) {
	var op wordedOperation
	switch words[0] {
	case "add":
		op = &addOperation{}
	case "remove":
		op = &removeOperation{}
	case "copy":
		op = &copyOperation{}
	case "rollback":
		op = &rollbackOperation{}
	case "snapshot":
		op = &snapshotOperation{}
	default:
		return nil, hint.Errorf("the operations are add, remove, copy, rollback and snapshot", "operation %q: unknown", words[0])
	}
	flags := pflag.NewFlagSet(words[0], pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	op.addFlags(flags)
	if err := flags.Parse(words[1:]); err != nil {
		return nil, err
	}
	return op, op.take(flags.Args())
}

// placedOperation is an operation whose errors name the line it stands on.
type placedOperation struct {
	operation
	place string
}

func (o *placedOperation) run(ctx context.Context, s *session) error {
	if err := o.operation.run(ctx, s); err != nil {
		return fmt.Errorf("%s: %w", o.place, err)
	}
	return nil
}

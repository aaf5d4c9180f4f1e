package build

import (
	"context"
	"fmt"

	"kubedist/pkg/ledger"
)

// Cached wraps next so that a job whose binaries are in place and were made from the same input is not run again.
func Cached(next Compiler, l *ledger.Ledger) Compiler { return &cached{next, l} }

type cached struct {
	next   Compiler
	ledger *ledger.Ledger
}

func (c *cached) Compile(ctx context.Context, job Job) (Result, error) {
	step, key := "compile "+job.Name, job.Key()
	if !job.Anew {
		if files, ok := c.ledger.Fresh(ctx, step, key, job.paths()...); ok {
			return Result{Files: files, Reused: true}, nil
		}
	}
	if _, err := c.next.Compile(ctx, job); err != nil {
		return Result{}, err
	}
	files, err := c.ledger.Record(ctx, step, key, job.paths())
	if err != nil {
		return Result{}, fmt.Errorf("%s: recording: %w", job.Name, err)
	}
	return Result{Files: files}, nil
}

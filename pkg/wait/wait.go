// Package wait waits, for no longer than somebody wants the result. It knows nothing about what is waited for.
package wait

import (
	"context"
	"time"
)

// For waits until d has passed, or until ctx ends, whose error it then returns. A d that is not positive is no wait, but a
// context that has ended is an error all the same.
func For(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

package wait_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"kubedist/pkg/wait"
)

func TestFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		for _, c := range []struct {
			wait, took time.Duration
			err        error
		}{
			{20 * time.Minute, 20 * time.Minute, nil},
			{0, 0, nil},
			{-time.Minute, 0, nil},
			{2 * time.Hour, 40 * time.Minute, context.DeadlineExceeded}, // what is left of the hour
			{0, 0, context.DeadlineExceeded},
		} {
			begin := time.Now()
			if err := wait.For(ctx, c.wait); !errors.Is(err, c.err) || time.Since(begin) != c.took {
				t.Errorf("waiting for %s: %v after %s, want %v after %s", c.wait, err, time.Since(begin), c.err, c.took)
			}
		}
	})
}

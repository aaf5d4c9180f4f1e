package bucket

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func request(holder string) lockRequest {
	return lockRequest{holder: holder, now: epoch, lease: time.Minute}
}

// TestLockExcludes lets many want the lock at once.
func TestLockExcludes(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]store{"memory": newMemory(), "directory": newDirectory(t.TempDir())} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var wg sync.WaitGroup
			var mu sync.Mutex
			holding, held := 0, 0
			for range 8 {
				wg.Go(func() {
					r := request("someone")
					r.lease = 6 * time.Second // a look each second
					_, l, err := acquire(t.Context(), s, r)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					if holding++; holding > 1 {
						t.Error("two hold the lock")
					}
					mu.Unlock()
					if err := l.renew(t.Context()); err != nil {
						t.Error(err)
					}
					mu.Lock()
					holding--
					held++
					mu.Unlock()
					if err := l.release(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if held != 8 {
				t.Errorf("%d got the lock", held)
			}
		})
	}
}

// TestLockTakenOver takes the lock of a dead pusher, but not that of a slow one.
func TestLockTakenOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		_, slow, err := acquire(t.Context(), s, request("process 1 on a"))
		if err != nil {
			t.Fatal(err)
		}
		patience, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		told := ""
		r := request("process 2 on b")
		r.waiting = func(holder string, since time.Time) { told = holder + since.Format(time.RFC3339) }
		if _, _, err := acquire(patience, s, r); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "held by process 1 on a since 2026-07-14T09:30:00Z") {
			t.Errorf("waited for one who lives: %v", err)
		}
		if told != "process 1 on a2026-07-14T09:30:00Z" {
			t.Errorf("told %q", told)
		}
		slow.cancel(errors.New("killed")) // no more renewals
		<-slow.done
		began := time.Now()
		_, next, err := acquire(t.Context(), s, r)
		if err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited < time.Minute || waited > 2*time.Minute {
			t.Errorf("waited %s for the dead", waited)
		}
		if err := slow.renew(t.Context()); !errors.Is(err, errLockLost) {
			t.Errorf("the dead renewed: %v", err)
		}
		if err := slow.release(t.Context()); err != nil {
			t.Error(err)
		}
		if text, _, err := readLock(t.Context(), s); err != nil || text.Holder != "process 2 on b" {
			t.Errorf("the lock says %+v, %v", text, err)
		}
		if err := next.release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestLockLost ends the work of a pusher whose lock was taken over, or who cannot renew it, before another could begin.
func TestLockLost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens func(*memory)
		want    error
	}{
		"taken over":      {func(s *memory) { s.set(lockKey, `{"holder":"another","token":"x"}`) }, errLockLost},
		"store not there": {func(s *memory) { s.failAt = 1; s.writes = 1 }, errKilled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newMemory()
				ctx, _, err := acquire(t.Context(), s, request("me"))
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				s.mu.Lock()
				c.happens(s)
				s.mu.Unlock()
				<-ctx.Done()
				if lasted := time.Since(began); !errors.Is(context.Cause(ctx), c.want) || lasted >= time.Minute {
					t.Errorf("ended after %s by %v", lasted, context.Cause(ctx))
				}
			})
		})
	}
}

// TestLockAnswerLost takes a lock that this pusher wrote for its own, whatever became of the answer.
func TestLockAnswerLost(t *testing.T) {
	t.Parallel()
	s := newMemory()
	_, l, err := acquire(t.Context(), s, request("me"))
	if err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	l.version = "one before" // as when a renewal came through without an answer
	l.mu.Unlock()
	if err := l.renew(t.Context()); err != nil {
		t.Error(err)
	}
	if err := l.release(t.Context()); err != nil {
		t.Error(err)
	}
	if text, _, err := readLock(t.Context(), s); err != nil || text.Holder != "" {
		t.Errorf("the lock says %+v, %v", text, err)
	}
}

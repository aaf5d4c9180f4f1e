package bucket

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"kubedist/pkg/wait"
)

const (
	// workDir holds what is for pushing alone.
	workDir = ".kubedist"
	lockKey = workDir + "/lock"

	// lockRetry is how often a file lock is tried.
	lockRetry = 20 * time.Millisecond
	// lockPolls is how many times the lock is looked at, and renewed, within the time after which it is taken over.
	lockPolls = 6
	// maxLock bounds the lock in bytes.
	maxLock = 64 << 10
)

// errLockLost is the cause of a push's end when another pusher has taken the lock over.
var errLockLost = errors.New("another pusher has taken the lock over, for this one was silent too long")

// lockText is the lock's object. Each renewal changes it, and with it the object's version.
type lockText struct {
	Holder  string    `json:"holder"` // who pushes; "" when nobody does
	Since   time.Time `json:"since"`
	Token   string    `json:"token"` // of this push alone
	Renewed int       `json:"renewed"`
}

// lock is the right to write to a bucket. Its object is only ever replaced in the version that was seen, so that of two
// who want it one gets it. Whoever waits takes it over once he has seen no renewal for a whole lease: no clock but his
// own counts, and of that only how fast it runs.
type lock struct {
	store store
	lease time.Duration

	mu      sync.Mutex
	text    lockText
	version string

	cancel context.CancelCauseFunc
	done   chan struct{} // closed when renewing has ended
}

// lockRequest says who wants a lock.
type lockRequest struct {
	holder  string
	now     time.Time
	lease   time.Duration
	waiting func(holder string, since time.Time)
}

// acquire waits for the lock as long as ctx allows. The context that it returns ends when the lock is lost.
func acquire(ctx context.Context, s store, r lockRequest) (context.Context, *lock, error) {
	l := &lock{store: s, lease: r.lease, text: lockText{Holder: r.holder, Since: r.now.UTC(), Token: rand.Text()}, done: make(chan struct{})}
	seen, polls, told := "", 0, false
	for {
		is, o, err := readLock(ctx, s)
		if err != nil {
			return nil, nil, fmt.Errorf("lock: %w", err)
		}
		if is.Token == l.text.Token { // the answer to a write was lost
			l.version = o.version
			break
		}
		if o.version != seen {
			seen, polls = o.version, 0
		}
		if is.Holder == "" || polls >= lockPolls {
			l.version = o.version
			err := l.write(ctx)
			if err == nil {
				break
			}
			if !errors.Is(err, errChanged) {
				return nil, nil, fmt.Errorf("lock: %w", err)
			}
			continue // someone else was first: wait for him
		}
		if !told && r.waiting != nil {
			r.waiting(is.Holder, is.Since)
			told = true
		}
		polls++
		if err := wait.For(ctx, r.lease/lockPolls); err != nil {
			return nil, nil, fmt.Errorf("lock: held by %s since %s: %w", is.Holder, is.Since.Format(time.RFC3339), err)
		}
	}
	ctx, l.cancel = context.WithCancelCause(ctx)
	go l.keep(ctx)
	return ctx, l, nil
}

// readLock reads the lock. One that is not there, or that nobody can read, is held by nobody.
func readLock(ctx context.Context, s store) (lockText, object, error) {
	data, o, err := s.get(ctx, lockKey, maxLock)
	if errors.Is(err, errNotFound) {
		return lockText{}, object{}, nil
	}
	if err != nil {
		return lockText{}, object{}, err
	}
	var text lockText
	if json.Unmarshal(data, &text) != nil {
		return lockText{}, o, nil
	}
	return text, o, nil
}

// write replaces the lock in the version that was seen last.
func (l *lock) write(ctx context.Context) error {
	data, err := json.Marshal(l.text)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	o, err := l.store.put(ctx, bytes.NewReader(data), putOptions{
		key: lockKey, size: int64(len(data)), sha256: hex.EncodeToString(sum[:]), contentType: "application/json", cacheControl: "no-store", version: l.version,
	})
	if err == nil {
		l.version = o.version
	}
	return err
}

// renew shows that this pusher lives. Its error is errLockLost when the lock has become another's.
func (l *lock) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.lease/lockPolls)
	defer cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Renewed++
	err := l.write(ctx)
	if !errors.Is(err, errChanged) {
		return err
	}
	// It may have been this pusher, by a write that took too long to be answered.
	is, o, err := readLock(ctx, l.store)
	if err != nil {
		return err
	}
	if is.Token != l.text.Token {
		return errLockLost
	}
	l.version = o.version
	return l.write(ctx)
}

// keep renews the lock until ctx ends. The push ends well before others may take the lock over: after two failures, each
// of which took two parts of the lease at most.
func (l *lock) keep(ctx context.Context) {
	defer close(l.done)
	failed := 0
	for wait.For(ctx, l.lease/lockPolls) == nil {
		err := l.renew(ctx)
		if err == nil {
			failed = 0
			continue
		}
		if failed++; failed >= 2 || errors.Is(err, errLockLost) {
			l.cancel(fmt.Errorf("lock: renewing it: %w", err))
			return
		}
	}
}

// release gives the lock up, unless another has it.
func (l *lock) release(ctx context.Context) error {
	l.cancel(context.Canceled)
	<-l.done
	l.text = lockText{Token: l.text.Token}
	if err := l.write(ctx); err != nil && !errors.Is(err, errChanged) {
		return fmt.Errorf("lock: giving it up: %w", err)
	}
	return nil
}

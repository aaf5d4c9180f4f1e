package apt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"kubedist/pkg/atomicfile"
)

// lock is the right to change an archive. It dies with its process (flock(2)). The lock's file also says how the last
// holder left: "clean", or a process that was killed before it was done.
type lock struct {
	held    *flock.Flock
	last    string // what the file said before
	killed  bool   // the last holder was killed
	unclean bool   // it was killed, or the file was lost and so cannot tell
}

const lockClean = "clean\n"

// acquire waits until ctx ends for the lock of the archive under root. waiting is called once, with the name of the
// process that holds it, when there is something to wait for; it may be nil.
func acquire(ctx context.Context, root string, waiting func(holder string)) (*lock, error) {
	name := filepath.Join(root, filepath.FromSlash(lockFile))
	if err := atomicfile.MkdirAll(filepath.Dir(name)); err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	held := flock.New(name, flock.SetPermissions(0o644))
	got, err := held.TryLock()
	if err == nil && !got {
		if waiting != nil {
			waiting(lockHolder(name))
		}
		got, err = held.TryLockContext(ctx, 20*time.Millisecond)
	}
	if err != nil || !got {
		if ctxErr := ctx.Err(); ctxErr != nil {
			err = fmt.Errorf("held by %s: %w", lockHolder(name), ctxErr)
		}
		return nil, errors.Join(fmt.Errorf("lock %s: %w", name, err), held.Close())
	}
	last := readLock(name)
	l := &lock{held: held, last: last, killed: last != "" && last != lockClean, unclean: last != lockClean}
	host, err := os.Hostname()
	if err != nil {
		host = "an unnamed host"
	}
	// Written in place: a rename would leave the next process with a lock on another file.
	if err := os.WriteFile(name, fmt.Appendf(nil, "process %d on %s\n", os.Getpid(), host), 0o644); err != nil {
		return nil, errors.Join(fmt.Errorf("lock: %w", err), held.Close())
	}
	return l, nil
}

// A leaving says how a holder leaves the archive.
type leaving int

const (
	leftAsFound leaving = iota // nothing was written
	leftWhole                  // what was begun was finished
	leftHalfway                // what was begun was not finished
)

// release gives the lock up.
func (l *lock) release(how leaving) error {
	var err error
	switch how {
	case leftAsFound:
		err = os.WriteFile(l.held.Path(), []byte(l.last), 0o644)
	case leftWhole:
		err = os.WriteFile(l.held.Path(), []byte(lockClean), 0o644)
	}
	return errors.Join(err, l.held.Close())
}

func lockHolder(name string) string {
	if holder := strings.TrimSpace(readLock(name)); holder != "" && holder != strings.TrimSpace(lockClean) {
		return holder
	}
	return "another process"
}

// readLock reads the little that the lock's file holds.
func readLock(name string) string {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if err != nil {
		return ""
	}
	defer f.Close()
	text, _ := io.ReadAll(io.LimitReader(f, 512))
	return string(text)
}

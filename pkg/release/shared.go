package release

import (
	"context"
	"sync"

	"kubedist/pkg/ledger"
)

// shared hands files that no platform owns, such as the source tarball, to those that put them into theirs.
type shared struct {
	mu    sync.Mutex
	files map[string]*pending
}

// pending is a file that is being made.
type pending struct {
	ready chan struct{}
	file  ledger.File
	err   error
}

func (s *shared) entry(name string) *pending {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files == nil {
		s.files = map[string]*pending{}
	}
	if s.files[name] == nil {
		s.files[name] = &pending{ready: make(chan struct{})}
	}
	return s.files[name]
}

// done publishes the file called name, or why it could not be made. It is called once per name.
func (s *shared) done(name string, file ledger.File, err error) {
	p := s.entry(name)
	p.file, p.err = file, err
	close(p.ready)
}

// wait returns the file called name once it is made.
func (s *shared) wait(ctx context.Context, name string) (ledger.File, error) {
	p := s.entry(name)
	select {
	case <-p.ready:
		return p.file, p.err
	case <-ctx.Done():
		return ledger.File{}, ctx.Err()
	}
}

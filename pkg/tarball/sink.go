package tarball

import (
	"context"
	"io"
	"sync"
)

// A sink passes bytes on until the first error, remembers that, and swallows the rest. pgzip leaves a goroutine behind
// when its writer fails and never hears of it when the writer does not. Writes come from a goroutine of pgzip, failed
// is called from another.
type sink struct {
	w   io.Writer
	mu  sync.Mutex
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		_, s.err = s.w.Write(p)
	}
	return len(p), nil
}

func (s *sink) failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err != nil
}

// copyUntil copies all of r to w and returns ctx's error when ctx ends before.
func copyUntil(ctx context.Context, w io.Writer, r io.Reader, buffer []byte) (int64, error) {
	var written int64
	for {
		if err := ctx.Err(); err != nil {
			return written, err
		}
		n, err := r.Read(buffer)
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return written, err
			}
			written += int64(n)
		}
		if err == io.EOF {
			return written, nil
		}
		if err != nil {
			return written, err
		}
	}
}

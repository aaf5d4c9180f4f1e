package mirror

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"kubedist/pkg/hint"
	"kubedist/pkg/wait"
)

// What may be wrong with a file when Fetch fails with an error that wraps one of these.
var (
	// ErrGone is a file that the mirror does not have, or not any more.
	ErrGone = errors.New("not on the mirror")
	// ErrOther is a file that the mirror has with other bytes.
	ErrOther = errors.New("not the file that was asked for")
	// ErrNoAnswer is a failure of the network or the server, which may be over when it is tried again.
	ErrNoAnswer = errors.New("no answer")
	errStalled  = fmt.Errorf("the mirror sent nothing for %v", stallTime)
)

// attempts is how often a file is asked for, with pauses of a second, two and so on between.
const attempts = 3

// File is a file of a mirror.
type File struct {
	Path   string // below the mirror's URL
	Size   int64  // bytes
	SHA256 string // lower-case hexadecimal
}

// Fetch writes the file to what create returns, which is called for each attempt: anything written before is to be
// forgotten. It asks again when the network or the server fails; not when there is no such file, or another one, errors
// that wrap ErrGone and ErrOther. No more than the file's size is ever written.
func (m *Mirror) Fetch(ctx context.Context, f File, create func() (io.Writer, error)) error {
	return m.retry(ctx, f.Path, func() error {
		w, err := create()
		if err != nil {
			return err
		}
		h := sha256.New()
		n, err := m.get(ctx, f.Path, f.Size, io.MultiWriter(w, h))
		if err != nil {
			return err
		}
		if sum := hex.EncodeToString(h.Sum(nil)); n != f.Size || sum != f.SHA256 {
			return fmt.Errorf("%w: %d bytes with SHA-256 %s, not %d with %s", ErrOther, n, sum, f.Size, f.SHA256)
		}
		return nil
	})
}

// Read returns a file of at most most bytes that nothing is known of yet.
func (m *Mirror) Read(ctx context.Context, path string, most int64) ([]byte, error) {
	var b bytes.Buffer
	err := m.retry(ctx, path, func() error {
		b.Reset()
		_, err := m.get(ctx, path, most, &b)
		return err
	})
	return b.Bytes(), err
}

func (m *Mirror) retry(ctx context.Context, path string, try func() error) error {
	for attempt := 1; ; attempt++ {
		err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !errors.Is(err, ErrNoAnswer) || attempt == attempts {
			return fmt.Errorf("fetching %s from %s: %w", path, m, err)
		}
		if err := wait.For(ctx, time.Duration(attempt)*time.Second); err != nil {
			return err
		}
	}
}

// get copies a file of at most most bytes to w and returns its size.
func (m *Mirror) get(ctx context.Context, path string, most int64, w io.Writer) (int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// A version in a path may hold characters that stand raw in the index, as + and ~ do.
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, m.url+"/"+(&url.URL{Path: path}).EscapedPath(), nil)
	if err != nil {
		return 0, err
	}
	response, err := m.client.Do(request)
	if err != nil {
		return 0, passing(err)
	}
	defer response.Body.Close()
	switch code := response.StatusCode; {
	case code == http.StatusNotFound || code == http.StatusGone:
		return 0, fmt.Errorf("%w (%s)", ErrGone, response.Status)
	case code == http.StatusTooManyRequests || code == http.StatusRequestTimeout || code >= http.StatusInternalServerError:
		return 0, fmt.Errorf("%w: %s", ErrNoAnswer, response.Status)
	case code != http.StatusOK:
		return 0, hint.Errorf("check the mirror, HTTP_PROXY and HTTPS_PROXY; another one is named with --debian-mirror", "the server says %s", response.Status)
	}
	if response.ContentLength > most {
		return 0, fmt.Errorf("%w: %d bytes, more than the %d there should be", ErrOther, response.ContentLength, most)
	}
	watched := &watchedReader{r: response.Body, timer: time.AfterFunc(stallTime, func() { cancel(errStalled) })}
	defer watched.timer.Stop()
	n, err := io.Copy(w, io.LimitReader(watched, most+1))
	switch {
	case watched.err != nil:
		if cause := context.Cause(ctx); errors.Is(cause, errStalled) {
			return n, passing(cause)
		}
		return n, passing(watched.err)
	case err != nil: // of the writer
		return n, err
	case n > most:
		return n, fmt.Errorf("%w: more than %d bytes", ErrOther, most)
	}
	return n, nil
}

// passing words a failure of the network.
func passing(err error) error {
	return hint.With(fmt.Errorf("%w: %w", ErrNoAnswer, err), "check the network, HTTP_PROXY and HTTPS_PROXY; another mirror is named with --debian-mirror")
}

// watchedReader keeps the timer from running out as long as there is something to read, and the error of reading apart
// from that of writing.
type watchedReader struct {
	r     io.Reader
	timer *time.Timer
	err   error
}

func (w *watchedReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if n > 0 {
		w.timer.Reset(stallTime)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

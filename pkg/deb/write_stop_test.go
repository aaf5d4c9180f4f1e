package deb_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"kubedist/pkg/deb"
)

// full takes n bytes and then has no space left.
type full struct{ n int }

var errFull = errors.New("no space left")

func (f *full) Write(p []byte) (int, error) {
	n := min(f.n, len(p))
	f.n -= n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

func TestWriteReportsAFullDisk(t *testing.T) {
	p := node(t)
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	o := deb.Options{Sign: func(context.Context, io.Reader, time.Time) ([]byte, error) { return []byte("odd"), nil }}
	archive := write(t, p, o)
	// Around every seam between headers, members and padding, which are written one by one.
	seams, offset := []int{0, 8}, 8
	names, members := archived(t, archive)
	for _, name := range names {
		size := len(members[name])
		seams = append(seams, offset+60, offset+60+size, offset+60+size+size%2)
		offset += 60 + size + size%2
	}
	for _, seam := range seams {
		n := max(seam-1, 0)
		if err := deb.Write(t.Context(), &full{n}, p, o); !errors.Is(err, errFull) {
			t.Errorf("error is %v with space for %d of %d bytes", err, n, len(archive))
		}
	}
	empty(t, temporary)
}

func empty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("%s was left behind", e.Name())
	}
}

// recorder ends its context with the first write, and counts what comes.
type recorder struct {
	cancel context.CancelFunc
	writes int
}

func (r *recorder) Write(p []byte) (int, error) {
	r.writes++
	r.cancel()
	return len(p), nil
}

func TestWriteStopsWithItsContext(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)

	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := &recorder{cancel: cancel}
		cancel()
		if err := deb.Write(ctx, w, node(t), deb.Options{}); !errors.Is(err, context.Canceled) || w.writes > 0 {
			t.Errorf("error is %v after %d writes", err, w.writes)
		}
	})
	t.Run("while compressing", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		p := node(t)
		noise := make([]byte, 4<<20)
		random := rand.NewChaCha8([32]byte{})
		random.Read(noise)
		p.Files = append(p.Files, deb.File{Path: "/usr/bin/noise", Data: noise})
		w := &recorder{cancel: cancel}
		if err := deb.Write(ctx, w, p, deb.Options{Compression: compression(t, "xz")}); !errors.Is(err, context.DeadlineExceeded) || w.writes > 0 {
			t.Errorf("error is %v after %d writes", err, w.writes)
		}
	})
	t.Run("while writing", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := &recorder{cancel: cancel}
		if err := deb.Write(ctx, w, node(t), deb.Options{}); !errors.Is(err, context.Canceled) || w.writes != 1 {
			t.Errorf("error is %v after %d writes", err, w.writes)
		}
	})
	t.Run("while signing", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		err := deb.Write(ctx, io.Discard, node(t), deb.Options{Sign: func(ctx context.Context, _ io.Reader, _ time.Time) ([]byte, error) {
			cancel()
			return nil, ctx.Err()
		}})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
	})
	empty(t, temporary)
}

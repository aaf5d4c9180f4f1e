package deb

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
)

const (
	amendedMember = "control.tar.gz"
	formatVersion = "2.0\n"   // contents of the member debian-binary
	emitSize      = 256 << 10 // bytes written between two looks at the context
)

// errClosed is what nfpm gets for writing after its caller has left.
var errClosed = errors.New("package writer is closed")

// amender passes on the ar archive that nfpm writes, with another control member. nfpm rounds Installed-Size down to
// whole KiB over all files together, and has no setting for it; Policy 5.6.20 wants each file rounded up.
//
// It also stands guard over the file that is written: after close nothing reaches it, and an error sticks, since the ar
// writer below nfpm drops the error of a padding byte.
type amender struct {
	mu    sync.Mutex
	ctx   context.Context
	w     io.Writer
	amend func(control []byte) ([]byte, error)
	err   error

	begun    bool   // the global header has passed
	head     []byte // what there is of the global header or of a member's
	left     int64  // bytes to come of the current member, its padding included
	holding  bool   // the current member is the control member
	held     []byte // the control member as nfpm wrote it
	control  []byte // the control member as it was passed on
	original int64  // size of held without padding
}

// Write takes the next piece of the archive, of any size.
func (a *amender) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for rest := p; len(rest) > 0 && a.err == nil; {
		rest = rest[a.take(rest):]
	}
	if a.err != nil {
		return 0, a.err
	}
	return len(p), nil
}

// take handles the beginning of p and returns how much of it that was.
func (a *amender) take(p []byte) int {
	if a.left > 0 {
		n := int(min(int64(len(p)), a.left))
		a.left -= int64(n)
		if !a.holding {
			a.emit(p[:n])
			return n
		}
		a.held = append(a.held, p[:n]...)
		if a.left == 0 {
			a.release()
		}
		return n
	}
	want := arHeaderSize
	if !a.begun {
		want = len(arMagic)
	}
	n := min(len(p), want-len(a.head))
	a.head = append(a.head, p[:n]...)
	if len(a.head) == want {
		a.header()
	}
	return n
}

// header handles a complete header: name in bytes 0-15, size in bytes 48-57 (deb(5)).
func (a *amender) header() {
	if !a.begun {
		a.begun = true
		a.emit(a.head)
		a.head = a.head[:0]
		return
	}
	size, err := strconv.ParseInt(strings.TrimRight(string(a.head[48:58]), " "), 10, 64)
	if err != nil {
		a.err = fmt.Errorf("size of archive member: %w", err)
		return
	}
	a.left = size + size%2
	if a.holding = strings.TrimRight(string(a.head[:16]), " /") == amendedMember; a.holding {
		a.original = size
		return // until the member is there
	}
	a.emit(a.head)
	a.head = a.head[:0]
}

// release passes on the control member, amended.
func (a *amender) release() {
	a.holding = false
	if a.control, a.err = a.amend(a.held[:a.original]); a.err != nil {
		return
	}
	copy(a.head[48:58], fmt.Sprintf("%-10d", len(a.control)))
	a.emit(a.head)
	a.head = a.head[:0]
	a.emit(a.control)
	if len(a.control)%2 == 1 {
		a.emit([]byte{'\n'})
	}
}

func (a *amender) emit(p []byte) {
	for len(p) > 0 && a.err == nil {
		if a.err = a.ctx.Err(); a.err != nil {
			return
		}
		piece := p[:min(len(p), emitSize)]
		n, err := a.w.Write(piece)
		if err == nil && n < len(piece) {
			err = io.ErrShortWrite
		}
		a.err = err
		p = p[len(piece):]
	}
}

// message turns what nfpm would have signed, the contents of the members one after the other, into what is in the file.
func (a *amender) message(original io.Reader) (io.Reader, error) {
	if a.control == nil {
		return nil, errors.New("control member is not written yet")
	}
	if _, err := io.CopyN(io.Discard, original, int64(len(formatVersion))+a.original); err != nil {
		return nil, err
	}
	return io.MultiReader(strings.NewReader(formatVersion), bytes.NewReader(a.control), original), nil
}

// close makes every later Write fail. It waits for one that is under way.
func (a *amender) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = errClosed
}

// finish reports whether the archive is complete.
func (a *amender) finish() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == nil && (a.left > 0 || len(a.head) > 0 || a.control == nil) {
		return io.ErrUnexpectedEOF
	}
	return a.err
}

// setInstalledSize replaces the value of Installed-Size in a control.tar.gz.
func setInstalledSize(control []byte, kib int64) ([]byte, error) {
	unpacked, err := gzip.NewReader(bytes.NewReader(control))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", amendedMember, err)
	}
	var packed bytes.Buffer
	compressor, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	out, replaced := tar.NewWriter(compressor), 0
	for in := tar.NewReader(unpacked); ; {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", amendedMember, err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", amendedMember, header.Name, err)
		}
		if header.Name == "./control" {
			lines := strings.SplitAfter(string(data), "\n")
			for i, line := range lines {
				if strings.HasPrefix(line, "Installed-Size:") {
					lines[i] = fmt.Sprintf("Installed-Size: %d\n", kib)
					replaced++
				}
			}
			data = []byte(strings.Join(lines, ""))
			header.Size = int64(len(data))
		}
		if err := errors.Join(out.WriteHeader(header), writeAll(out, data)); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", amendedMember, header.Name, err)
		}
	}
	if replaced != 1 {
		return nil, fmt.Errorf("%s: %d fields Installed-Size, not one", amendedMember, replaced)
	}
	if err := errors.Join(out.Close(), compressor.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", amendedMember, err)
	}
	return packed.Bytes(), nil
}

func writeAll(w io.Writer, data []byte) error {
	_, err := w.Write(data)
	return err
}

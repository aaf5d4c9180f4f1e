package apt

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
)

// scratch keeps the paragraphs of new packages until they are written into an index. There may be a hundred thousand of
// them at once, so what is more than a little goes into a file, which ends with the transaction. It is safe for
// concurrent use.
type scratch struct {
	disk *disk
	mu   sync.Mutex
	f    *os.File // nil until there is more than a little
	size int64    // bytes in the file
	tail []byte   // what follows them
	err  error    // the first that a reader met
}

// How many bytes stay in memory: all as long as they are few, little once there is a file.
const (
	scratchFirst = 8 << 20
	scratchNext  = 1 << 20
)

// put keeps a text.
func (s *scratch) put(text []byte) (paragraph, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := scratchFirst
	if s.f != nil {
		limit = scratchNext
	}
	if len(s.tail) > 0 && len(s.tail)+len(text) > limit {
		if err := s.flush(); err != nil {
			return paragraph{}, err
		}
	}
	at := s.size + int64(len(s.tail))
	if len(s.tail)+len(text) > cap(s.tail) { // twice as much, which copies and throws away less than append does
		s.tail = slices.Grow(s.tail, max(len(s.tail), len(text), 64<<10))
	}
	s.tail = append(s.tail, text...)
	return paragraph{kept: s, at: at, size: len(text)}, nil
}

func (s *scratch) flush() error {
	if s.f == nil {
		f, _, err := s.disk.temp()
		if err != nil {
			return err
		}
		s.f = f.whole()
	}
	if _, err := s.f.WriteAt(s.tail, s.size); err != nil {
		return err
	}
	s.size += int64(len(s.tail))
	if s.tail = s.tail[:0]; cap(s.tail) > 2*scratchNext {
		s.tail = make([]byte, 0, scratchNext)
	}
	return nil
}

// appendTo appends what was kept to b.
func (s *scratch) appendTo(b []byte, at int64, size int) ([]byte, error) {
	s.mu.Lock()
	if at >= s.size {
		b = append(b, s.tail[at-s.size:][:size]...)
		s.mu.Unlock()
		return b, nil
	}
	s.mu.Unlock()
	from := len(b)
	b = append(b, make([]byte, size)...)
	if _, err := s.f.ReadAt(b[from:], at); err != nil {
		err = fmt.Errorf("reading back a new paragraph: %w", err)
		s.mu.Lock()
		s.err = errors.Join(s.err, err)
		s.mu.Unlock()
		return b[:from], err
	}
	return b, nil
}

// failed tells whether any paragraph could not be read back.
func (s *scratch) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *scratch) close() error {
	if s.f == nil {
		return nil
	}
	return s.f.Close()
}

// paragraph is the text of an entry, with its last line end: part of the index that it was read from, or kept in a
// scratch when it is new.
type paragraph struct {
	text string
	kept *scratch
	at   int64
	size int
}

// String gives the text. One that cannot be read back is empty, and then the transaction will not be published.
func (p *paragraph) String() string {
	if p.kept == nil {
		return p.text
	}
	b, _ := p.kept.appendTo(nil, p.at, p.size)
	return string(b)
}

// appendTo appends the text to b.
func (p *paragraph) appendTo(b []byte) ([]byte, error) {
	if p.kept == nil {
		return append(b, p.text...), nil
	}
	return p.kept.appendTo(b, p.at, p.size)
}

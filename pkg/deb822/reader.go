package deb822

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Limits bound what a Reader accepts. A zero field means its default.
type Limits struct {
	Stanza int // bytes in one stanza; 1 MiB
	Fields int // fields in one stanza; 512
	Line   int // bytes in one line; 256 KiB
}

func (l Limits) withDefaults() Limits {
	if l.Stanza <= 0 {
		l.Stanza = 1 << 20
	}
	if l.Fields <= 0 {
		l.Fields = 512
	}
	if l.Line <= 0 {
		l.Line = 256 << 10
	}
	return l
}

// SyntaxError says where a text is not deb822.
type SyntaxError struct {
	Line    int // from 1
	Problem string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Problem) }

// Reader reads stanza after stanza.
type Reader struct {
	src    *bufio.Reader // nil when all of it is in text
	text   string        // of which names and values are parts then
	limits Limits
	line   int
	err    error
}

// NewReader reads from r under limits.
func NewReader(r io.Reader, limits Limits) *Reader {
	limits = limits.withDefaults()
	return &Reader{src: bufio.NewReaderSize(r, 4<<10), limits: limits}
}

// Next returns the next stanza, io.EOF after the last. A text that is not deb822 gives a *SyntaxError; the Reader is at
// its end then, since what follows cannot be trusted to start where it seems to.
func (r *Reader) Next() (Stanza, error) {
	if r.err != nil {
		return nil, r.err
	}
	s, err := r.next()
	if err != nil {
		r.err = err
		return nil, err
	}
	return s, nil
}

func (r *Reader) next() (Stanza, error) {
	var s Stanza
	value := make([]byte, 0, 1024) // of the last field of s, when it has several lines
	size := 0
	closeField := func() {
		if len(value) > 0 {
			s[len(s)-1].Value = string(value)
			value = value[:0]
		}
	}
	for {
		line, err := r.readLine()
		if errors.Is(err, io.EOF) || (err == nil && len(line) == 0) {
			if len(s) > 0 {
				closeField()
				return s, nil
			}
			if err != nil {
				return nil, io.EOF
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if size += len(line) + 1; size > r.limits.Stanza {
			return nil, r.problem("stanza is longer than %d bytes", r.limits.Stanza)
		}
		if problem := textProblem(line); problem != "" {
			return nil, r.problem("line %s", problem)
		}
		if line[0] == ' ' || line[0] == '\t' {
			if trimBlanks(line) == "" {
				return nil, r.problem("line holds blanks only")
			}
			if len(s) == 0 {
				return nil, r.problem("continuation line without a field")
			}
			if len(value) == 0 {
				value = append(value, s[len(s)-1].Value...)
			}
			value = append(append(value, '\n'), line[1:]...)
			continue
		}
		closeField()
		name, first, found := strings.Cut(line, ":")
		if !found {
			return nil, r.problem("no colon in %s", excerpt(line))
		}
		if problem := nameProblem(name); problem != "" {
			return nil, r.problem("field name %s %s", excerpt(name), problem)
		}
		if _, twice := s.Lookup(name); twice {
			return nil, r.problem("field %s named twice", name)
		}
		if len(s) == r.limits.Fields {
			return nil, r.problem("stanza has more than %d fields", r.limits.Fields)
		}
		if s == nil {
			s = make(Stanza, 0, 16)
		}
		s = append(s, Field{Name: name, Value: trimBlanks(first)})
	}
}

// readLine returns the next line without its end.
func (r *Reader) readLine() (string, error) {
	if r.src == nil {
		part := r.text
		if end := strings.IndexByte(part, '\n'); end >= 0 {
			part = part[:end+1]
		}
		r.text = r.text[len(part):]
		return r.whole(part)
	}
	var long []byte
	for {
		part, err := r.src.ReadSlice('\n')
		if len(long)+len(part) > r.limits.Line+1 {
			r.line++
			return "", r.problem("line is longer than %d bytes", r.limits.Line)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			long = append(long, part...)
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return r.whole(string(long) + string(part))
	}
}

// whole takes the end off a line.
func (r *Reader) whole(line string) (string, error) {
	if line == "" {
		return "", io.EOF
	}
	r.line++
	if len(line) > r.limits.Line+1 {
		return "", r.problem("line is longer than %d bytes", r.limits.Line)
	}
	if r.line == 1 && strings.HasPrefix(line, "\xef\xbb\xbf") {
		return "", r.problem("text begins with a byte order mark")
	}
	return strings.TrimSuffix(line, "\n"), nil
}

func (r *Reader) problem(format string, args ...any) error {
	return &SyntaxError{Line: r.line, Problem: fmt.Sprintf(format, args...)}
}

// excerpt quotes the start of a text for an error message.
func excerpt(text string) string {
	if len(text) > 40 {
		return fmt.Sprintf("%q…", text[:40])
	}
	return fmt.Sprintf("%q", text)
}

// Parse reads a text that must be exactly one stanza. No stanza at all and a second one are errors.
func Parse(text []byte, limits Limits) (Stanza, error) {
	r := &Reader{text: string(text), limits: limits.withDefaults()}
	s, err := r.Next()
	if errors.Is(err, io.EOF) {
		return nil, &SyntaxError{Line: r.line, Problem: "no stanza"}
	}
	if err != nil {
		return nil, err
	}
	if _, err := r.Next(); err == nil {
		return nil, r.problem("second stanza where one was expected")
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return s, nil
}

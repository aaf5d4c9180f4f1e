package deb822

import (
	"fmt"
	"io"
	"strings"
)

// Field is one field of a stanza.
type Field struct {
	// Name as it is spelled in the file. Names compare without regard to case.
	Name string
	// Value is the first line without surrounding blanks; each continuation line follows after "\n", without the one
	// blank that marks it. The " ." of an empty line in a description stays ".".
	Value string
}

// Stanza is a list of fields in file order, no name twice.
type Stanza []Field

// Get returns the value of the named field, "" when the stanza has none.
func (s Stanza) Get(name string) string {
	value, _ := s.Lookup(name)
	return value
}

// Lookup returns the value of the named field and whether the stanza has it.
func (s Stanza) Lookup(name string) (string, bool) {
	for i := range s {
		if len(s[i].Name) == len(name) && strings.EqualFold(s[i].Name, name) {
			return s[i].Value, true
		}
	}
	return "", false
}

// Set replaces the value of the named field in its place, or appends the field.
func (s *Stanza) Set(name, value string) {
	for i := range *s {
		if strings.EqualFold((*s)[i].Name, name) {
			(*s)[i].Value = value
			return
		}
	}
	*s = append(*s, Field{Name: name, Value: value})
}

// WriteTo writes the stanza without the blank line that separates it from a next one. A name or value that would not
// read back as the same field is an error, and then nothing is written.
func (s Stanza) WriteTo(w io.Writer) (int64, error) {
	text, err := s.Append(nil)
	if err != nil {
		return 0, err
	}
	n, err := w.Write(text)
	return int64(n), err
}

// String is the stanza as WriteTo writes it, or "" when it cannot be written.
func (s Stanza) String() string {
	text, err := s.Append(nil)
	if err != nil {
		return ""
	}
	return string(text)
}

// Append appends to b what WriteTo writes, with the same errors.
func (s Stanza) Append(b []byte) ([]byte, error) {
	for i, f := range s {
		if problem := nameProblem(f.Name); problem != "" {
			return nil, fmt.Errorf("field %q: name %s", f.Name, problem)
		}
		if _, twice := s[:i].Lookup(f.Name); twice {
			return nil, fmt.Errorf("field %s: named twice", f.Name)
		}
		first, rest, more := strings.Cut(f.Value, "\n")
		if first != trimBlanks(first) {
			return nil, fmt.Errorf("field %s: blanks around its value", f.Name)
		}
		if problem := textProblem(f.Value); problem != "" {
			return nil, fmt.Errorf("field %s: value %s", f.Name, problem)
		}
		b = append(append(b, f.Name...), ':')
		if first != "" {
			b = append(append(b, ' '), first...)
		}
		b = append(b, '\n')
		for more {
			var line string
			line, rest, more = strings.Cut(rest, "\n")
			if trimBlanks(line) == "" {
				return nil, fmt.Errorf("field %s: blank line in its value", f.Name)
			}
			b = append(append(append(b, ' '), line...), '\n')
		}
	}
	return b, nil
}

// nameProblem says what keeps name from being a field name (Policy 5.1), "" when nothing does.
func nameProblem(name string) string {
	if name == "" {
		return "is empty"
	}
	if name[0] == '#' || name[0] == '-' {
		return fmt.Sprintf("begins with %q", name[0])
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; c <= ' ' || c > '~' || c == ':' {
			return fmt.Sprintf("holds the byte %#02x", c)
		}
	}
	return ""
}

// textProblem says which byte of text no field may hold, "" when there is none. A carriage return is refused rather
// than trimmed: some parsers take it as part of the value, others as a line end, and signed text must mean one thing.
func textProblem(value string) string {
	if strings.IndexByte(value, 0) >= 0 {
		return "holds a NUL byte"
	}
	if strings.IndexByte(value, '\r') >= 0 {
		return "holds a carriage return"
	}
	return ""
}

// trimBlanks takes off the blanks around a value, as strings.Trim does, which makes a set of them each time.
func trimBlanks(s string) string {
	for s != "" && isBlank(s[0]) {
		s = s[1:]
	}
	for s != "" && isBlank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

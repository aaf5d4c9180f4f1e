package deb822_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"kubedist/pkg/deb822"
)

func readAll(r io.Reader, limits deb822.Limits) ([]deb822.Stanza, error) {
	var all []deb822.Stanza
	reader := deb822.NewReader(r, limits)
	for {
		s, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, s)
	}
}

func TestReader(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       []deb822.Stanza
	}{
		{"empty", "", nil},
		{"blank lines only", "\n\n\n", nil},
		{"one", "Package: kubeadm\nVersion:1.36.3-1.1\n", []deb822.Stanza{{{"Package", "kubeadm"}, {"Version", "1.36.3-1.1"}}}},
		{"no final line end", "A: b", []deb822.Stanza{{{"A", "b"}}}},
		{"blanks around a value", "A: \t b \t\n", []deb822.Stanza{{{"A", "b"}}}},
		{"two with several blank lines", "\nA: 1\n\n\nA: 2\n\n", []deb822.Stanza{{{"A", "1"}}, {{"A", "2"}}}},
		{"description", "Description: tool\n first\n .\n  indented\n", []deb822.Stanza{{{"Description", "tool\nfirst\n.\n indented"}}}},
		{"list after an empty first line", "SHA256:\n aa 1 b\n\tcc 2 d\n", []deb822.Stanza{{{"SHA256", "\naa 1 b\ncc 2 d"}}}},
		{"empty value", "A:\nB: \n", []deb822.Stanza{{{"A", ""}, {"B", ""}}}},
		{"colon in a value", "Homepage: https://example.org/\n", []deb822.Stanza{{{"Homepage", "https://example.org/"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for how, r := range map[string]io.Reader{
				"whole":        strings.NewReader(c.text),
				"byte by byte": iotest.OneByteReader(strings.NewReader(c.text)),
			} {
				got, err := readAll(r, deb822.Limits{})
				if err != nil {
					t.Fatalf("%s: %v", how, err)
				}
				if !slices.EqualFunc(got, c.want, func(a, b deb822.Stanza) bool { return slices.Equal(a, b) }) {
					t.Errorf("%s: got %q, want %q", how, got, c.want)
				}
			}
		})
	}
}

func TestReaderRefuses(t *testing.T) {
	t.Parallel()
	small := deb822.Limits{Stanza: 100, Fields: 3, Line: 50}
	for _, c := range []struct{ name, text, want string }{
		{"duplicate field", "A: 1\nB: 2\na: 3\n", "line 3: field a named twice"},
		{"no colon", "A: 1\nnonsense\n", `line 2: no colon in "nonsense"`},
		{"continuation without a field", " x\n", "line 1: continuation line without a field"},
		{"continuation after a blank line", "A: 1\n\n x\n", "line 3: continuation line without a field"},
		{"NUL", "A: 1\x002\n", "line 1: line holds a NUL byte"},
		{"carriage return", "A: 1\r\n", "line 1: line holds a carriage return"},
		{"byte order mark", "\xef\xbb\xbfA: 1\n", "line 1: text begins with a byte order mark"},
		{"blanks only", "A: 1\n \nB: 2\n", "line 2: line holds blanks only"},
		{"comment", "# hello: you\n", `line 1: field name "# hello" begins with '#'`},
		{"blank in a name", "A B: 1\n", `line 1: field name "A B" holds the byte 0x20`},
		{"empty name", ": 1\n", `line 1: field name "" is empty`},
		{"signature", "-----BEGIN PGP: x\n", `line 1: field name "-----BEGIN PGP" begins with '-'`},
		{"long line", "A: " + strings.Repeat("x", 60) + "\n", "line 1: line is longer than 50 bytes"},
		{"long stanza", "A: " + strings.Repeat("x", 40) + "\n " + strings.Repeat("y", 40) + "\n " + strings.Repeat("z", 40) + "\n", "line 3: stanza is longer than 100 bytes"},
		{"many fields", "A: 1\nB: 2\nC: 3\nD: 4\n", "line 4: stanza has more than 3 fields"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := readAll(strings.NewReader(c.text), small)
			var syntax *deb822.SyntaxError
			if !errors.As(err, &syntax) || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestReaderStaysAtItsError(t *testing.T) {
	t.Parallel()
	r := deb822.NewReader(strings.NewReader("nonsense\n\nA: 1\n"), deb822.Limits{})
	_, first := r.Next()
	_, second := r.Next()
	if first == nil || !errors.Is(second, first) {
		t.Errorf("got %v, then %v: want the same error twice", first, second)
	}
}

func TestReaderPassesReadErrorsOn(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	_, err := readAll(io.MultiReader(strings.NewReader("A: 1\n"), iotest.ErrReader(broken)), deb822.Limits{})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

func TestWriteToRefuses(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]deb822.Stanza{
		"a line that ends the stanza": {{"A", "1\n\nB: 2"}},
		"a line of blanks":            {{"A", "1\n \n2"}},
		"a value that ends in a line": {{"A", "1\n"}},
		"a name with a colon":         {{"A:", "1"}},
		"a name with a line end":      {{"A\nB", "1"}},
		"no name":                     {{"", "1"}},
		"a name twice":                {{"A", "1"}, {"a", "2"}},
		"a carriage return":           {{"A", "1\rB: 2"}},
		"blanks around a value":       {{"A", " 1"}},
	} {
		var b bytes.Buffer
		if _, err := s.WriteTo(&b); err == nil || b.Len() != 0 {
			t.Errorf("%s: error %v, wrote %q", name, err, b.String())
		}
		if s.String() != "" {
			t.Errorf("%s: String gives %q", name, s.String())
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	if s, err := deb822.Parse([]byte("\nA: 1\n\n"), deb822.Limits{}); err != nil || s.Get("a") != "1" {
		t.Errorf("one stanza: got %v, %v", s, err)
	}
	for text, want := range map[string]string{"\n": "line 1: no stanza", "A: 1\n\nA: 2\n": "line 3: second stanza where one was expected", "A: 1\n\nx\n": `line 3: no colon in "x"`} {
		if _, err := deb822.Parse([]byte(text), deb822.Limits{}); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func ExampleStanza_Set() {
	s := deb822.Stanza{{Name: "Package", Value: "kubeadm"}, {Name: "Version", Value: "1.36.2-1.1"}}
	s.Set("version", "1.36.3-1.1")
	s.Set("Description", "bootstraps a cluster\nOne command for the first node,\n.\none for each further node.")
	s.WriteTo(os.Stdout)
	// Output:
	// Package: kubeadm
	// Version: 1.36.3-1.1
	// Description: bootstraps a cluster
	//  One command for the first node,
	//  .
	//  one for each further node.
}

func ExampleReader() {
	text := "Package: kubeadm\n\nPackage: kubelet\n"
	r := deb822.NewReader(strings.NewReader(text), deb822.Limits{})
	for {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		fmt.Println(s.Get("Package"))
	}
	// Output:
	// kubeadm
	// kubelet
}

func FuzzReader(f *testing.F) {
	for _, seed := range []string{"", "A: 1\n", "A: 1\n b\n\nC:\n\td\n .\n", "\xef\xbb\xbfA: 1", "A: 1\r\n", " x", "A\x00: 1", "SHA256:\n aa 1 x\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		first, err := readAll(bytes.NewReader(text), deb822.Limits{})
		if err != nil {
			return
		}
		var b bytes.Buffer
		for i, s := range first {
			if i > 0 {
				b.WriteByte('\n')
			}
			if _, err := s.WriteTo(&b); err != nil {
				t.Fatalf("what was read cannot be written: %v", err)
			}
		}
		second, err := readAll(&b, deb822.Limits{Stanza: 4 << 20})
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if !slices.EqualFunc(first, second, func(a, b deb822.Stanza) bool { return slices.Equal(a, b) }) {
			t.Errorf("round trip gives %q, was %q", second, first)
		}
	})
}

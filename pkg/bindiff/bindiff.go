// Package bindiff says in what two compiled programs differ: the lines of their build information, and the sections of
// the ELF, Mach-O or PE file that hold other bytes. It reads programs of others: all it reads is bounded by their size,
// and nothing of them is run. It does not know why they differ.
package bindiff

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxSize bounds a program in bytes; the largest of Kubernetes have 120 MB.
const maxSize = 1 << 30

// Difference is in what two programs differ. Without BuildInfo, Sections and Offset they are the same.
type Difference struct {
	BuildInfo []Line    `json:"buildInfo"` // only what differs, in the order of the first program
	Sections  []Section `json:"sections"`  // only those that differ, in the order of the first program's section headers
	// Offset is where in the files the first differing byte is; -1 when there is none. A program that is the beginning of
	// the other differs where it ends.
	Offset int64    `json:"offset"`
	Sizes  [2]int64 `json:"sizes"` // bytes
	Notes  []string `json:"notes"` // what could not be compared, and why
}

// Same reports whether both programs are the same bytes.
func (d *Difference) Same() bool { return d.Offset < 0 }

// Line is an entry of the build information that differs. A program that has no such entry has an empty text.
type Line struct {
	Key   string    `json:"key"`   // "go", "path", "mod", "dep MODULE", "build SETTING"
	Texts [2]string `json:"texts"` // of the first and the second program
}

// Section is one that both programs have, with other bytes in it, or that one of them lacks.
type Section struct {
	Name string `json:"name"`
	// Sizes are those in the files, in bytes; -1 where a program has no such section.
	Sizes [2]int64 `json:"sizes"`
	// Offset is where in the section the first differing byte is, FileOffsets where that is in the files. With other sizes
	// and equal bytes it is where the shorter one ends. -1 where one program has no such section.
	Offset      int64    `json:"offset"`
	FileOffsets [2]int64 `json:"fileOffsets"`
	// Texts are what is printable around that byte; empty where it is no text.
	Texts [2]string `json:"texts"`
}

// Files compares the programs at two paths. An error means that they could not be read. Programs that are not what they
// seem, and damaged ones, are compared as far as they can be, and Notes says what was left out.
func Files(ctx context.Context, a, b string) (*Difference, error) {
	first, err := open(a)
	if err != nil {
		return nil, err
	}
	defer first.Close()
	second, err := open(b)
	if err != nil {
		return nil, err
	}
	defer second.Close()
	d, err := compare(ctx, [2]*program{first, second})
	if err != nil {
		return nil, fmt.Errorf("comparing %s with %s: %w", a, b, err)
	}
	return d, nil
}

// program is an opened program.
type program struct {
	*io.SectionReader // all of it; what grows meanwhile is not read
	file              *os.File
	name              string // as the caller calls it
}

func open(name string) (*program, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s: not a regular file", name)
	case info.Size() > maxSize:
		err = fmt.Errorf("%s: larger than %d bytes", name, maxSize)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &program{SectionReader: io.NewSectionReader(f, 0, info.Size()), file: f, name: name}, nil
}

func (p *program) Close() error { return p.file.Close() }

// compare does what Files promises.
func compare(ctx context.Context, p [2]*program) (*Difference, error) {
	d := &Difference{Sizes: [2]int64{p[0].Size(), p[1].Size()}, BuildInfo: []Line{}, Sections: []Section{}, Notes: []string{}}
	var err error
	if d.Offset, err = firstDifference(ctx, p[0].SectionReader, p[1].SectionReader); err != nil || d.Same() {
		return d, err
	}
	d.buildInfo(p)
	return d, d.sections(ctx, p)
}

func (d *Difference) note(format string, args ...any) {
	d.Notes = append(d.Notes, fmt.Sprintf(format, args...))
}

// guard makes an error of a panic: the packages under debug/ are not made for files that somebody made to break them.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("malformed file: %v", r)
	}
}

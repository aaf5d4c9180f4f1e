// Package imprint reads out of a compiled Go program what it says of its own making: its build information and the build
// date that the linker put into it. Nothing of the program is run, and it may be anyone's: what is read of it is bounded.
// What it says need not be true; that is what building it again is for.
package imprint

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"kubedist/pkg/platform"
)

// maxSize bounds a program in bytes; the largest of Kubernetes have 120 MB.
const maxSize = 1 << 30

// Imprint is what a program says of itself. What it does not say is the zero value.
type Imprint struct {
	Main     string // import path of the main package
	Module   string // path of the main module
	Version  string // of the main module: v1.34.0, "(devel)"
	Go       string // release of Go that compiled it: go1.24.6
	Platform platform.ID
	Cgo      bool // linked with the C library
	Trimmed  bool // without the paths of the machine that compiled it
	Commit   string
	Time     time.Time // of the commit
	Modified bool      // the tree had changes
	// Dates are the times in the program that can be its build date: those in the form of one (RFC 3339, UTC, whole
	// seconds) from the commit's on and within a year of it, in order. None are looked for without the time of the commit.
	Dates []time.Time
}

// ErrNoBuildDate is the error when the build date of a program cannot be told.
var ErrNoBuildDate = errors.New("build date cannot be told")

// BuildDate is the build date of the program. The commit's time is in every program that carries a stamp, so another time
// is the build date where there is one; where there is none they are the same.
func (i *Imprint) BuildDate() (time.Time, error) {
	others := slices.DeleteFunc(slices.Clone(i.Dates), i.Time.Equal)
	switch {
	case i.Time.IsZero():
		return time.Time{}, fmt.Errorf("%w: no version control stamp", ErrNoBuildDate)
	case len(others) == 0:
		return i.Time, nil
	case len(others) == 1:
		return others[0], nil
	}
	var texts []string
	for _, t := range others {
		texts = append(texts, t.Format(layout))
	}
	return time.Time{}, fmt.Errorf("%w: it is one of %s", ErrNoBuildDate, strings.Join(texts, ", "))
}

// Read reads the program at path.
func Read(ctx context.Context, path string) (*Imprint, error) { return read(ctx, path, true) }

// ReadStamp is Read without Dates, which takes reading all of the program.
func ReadStamp(ctx context.Context, path string) (*Imprint, error) { return read(ctx, path, false) }

func read(ctx context.Context, path string, dated bool) (*Imprint, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: not a regular file", path)
	case info.Size() > maxSize:
		return nil, fmt.Errorf("%s: larger than %d bytes", path, maxSize)
	}
	program := io.NewSectionReader(f, 0, info.Size())
	i, err := parse(program)
	if err == nil && dated && !i.Time.IsZero() {
		i.Dates, err = dates(ctx, program, i.Time, i.Time.AddDate(1, 0, 0))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return i, nil
}

// parse reads the build information of a program.
func parse(r io.ReaderAt) (i *Imprint, err error) {
	defer func() {
		// debug/buildinfo is not made for files that somebody made to break it.
		if p := recover(); p != nil {
			i, err = nil, fmt.Errorf("malformed program: %v", p)
		}
	}()
	info, err := buildinfo.Read(r)
	if err != nil {
		return nil, err
	}
	i = &Imprint{Main: info.Path, Module: info.Main.Path, Version: info.Main.Version, Go: info.GoVersion}
	variants := map[string]string{}
	for _, s := range info.Settings {
		switch s.Key {
		case "GOOS":
			i.Platform.OS = s.Value
		case "GOARCH":
			i.Platform.Arch = s.Value
		case "CGO_ENABLED":
			i.Cgo = s.Value == "1"
		case "-trimpath":
			i.Trimmed = s.Value == "true"
		case "vcs.revision":
			i.Commit = s.Value
		case "vcs.modified":
			i.Modified = s.Value == "true"
		case "vcs.time":
			if i.Time, err = time.Parse(time.RFC3339, s.Value); err != nil {
				return nil, fmt.Errorf("vcs.time: %w", err)
			}
		default:
			variants[s.Key] = s.Value
		}
	}
	if i.Platform.OS == "" || i.Platform.Arch == "" {
		return nil, errors.New("build information without a platform")
	}
	if i.Platform.Arch == "arm" {
		// The only architecture whose variant is part of a platform's name; GOARM is 7, or 7,softfloat.
		number, _, _ := strings.Cut(variants["GOARM"], ",")
		if i.Platform.Variant = "v" + number; number == "" {
			i.Platform.Variant = ""
		}
	}
	return i, nil
}

// layout is the form of a build date: time.RFC3339 in UTC.
const layout = "2006-01-02T15:04:05Z"

// dates finds the times from first on and before last that stand in r in the form of layout.
func dates(ctx context.Context, r *io.SectionReader, first, last time.Time) ([]time.Time, error) {
	const block = 1 << 20
	seen := map[time.Time]bool{}
	buffer := make([]byte, block+len(layout))
	for offset := int64(0); offset < r.Size(); offset += block {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		n, err := r.ReadAt(buffer, offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		for at := range max(0, n-len(layout)+1) {
			if text := buffer[at : at+len(layout)]; text[4] == '-' && text[10] == 'T' && text[len(layout)-1] == 'Z' {
				if t, err := time.Parse(layout, string(text)); err == nil && !t.Before(first) && t.Before(last) {
					seen[t] = true
				}
			}
		}
	}
	var list []time.Time
	for t := range seen {
		list = append(list, t)
	}
	slices.SortFunc(list, time.Time.Compare)
	return list, nil
}

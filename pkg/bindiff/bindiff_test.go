package bindiff_test

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kubedist/pkg/bindiff"
)

// program is what is compiled: the linker sets its variable.
const program = `package main

var version = "none"

func main() { println(version) }
`

// build compiles program for linux/amd64 with a value of its variable.
func build(t *testing.T, value string, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "program")
	for name, text := range map[string]string{"main.go": program, "go.mod": "module example.org/program\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	args := append([]string{"build", "-buildvcs=false", "-ldflags=-X main.version=" + value, "-o", out}, flags...)
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return out
}

func files(t *testing.T, a, b string) *bindiff.Difference {
	t.Helper()
	d, err := bindiff.Files(t.Context(), a, b)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// section finds the one called name among those that differ.
func section(t *testing.T, d *bindiff.Difference, name string) bindiff.Section {
	t.Helper()
	i := slices.IndexFunc(d.Sections, func(s bindiff.Section) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("section %s is not among those that differ: %+v", name, d.Sections)
	}
	return d.Sections[i]
}

// TestStamp compares programs that differ in what the linker set, and nothing else.
func TestStamp(t *testing.T) {
	t.Parallel()
	a, b := build(t, "2025-08-27T10:15:59Z", "-trimpath"), build(t, "2025-08-27T10:09:04Z", "-trimpath")
	if d := files(t, a, a); !d.Same() || len(d.BuildInfo)+len(d.Sections)+len(d.Notes) > 0 {
		t.Errorf("a program differs from itself: %+v", d)
	}
	d := files(t, a, b)
	if d.Same() || len(d.BuildInfo) > 0 || len(d.Notes) > 0 {
		t.Errorf("-trimpath leaves the linker's flags out, but: %+v", d)
	}
	s := section(t, d, ".rodata")
	if !strings.Contains(s.Texts[0], "10:15:59Z") || !strings.Contains(s.Texts[1], "10:09:04Z") {
		t.Errorf("texts are %q", s.Texts)
	}
	// Where it says that the files differ, they do, for the first time.
	one, two := read(t, a), read(t, b)
	if one[s.FileOffsets[0]] == two[s.FileOffsets[1]] || !bytes.Equal(one[s.FileOffsets[0]-s.Offset:s.FileOffsets[0]], two[s.FileOffsets[1]-s.Offset:s.FileOffsets[1]]) {
		t.Errorf("the files do not begin to differ at %+v", s)
	}
}

// TestBuildInfo compares programs whose build information tells the reason.
func TestBuildInfo(t *testing.T) {
	t.Parallel()
	a, b := build(t, "same", "-trimpath"), build(t, "same", "-trimpath", "-tags=other")
	d := files(t, a, b)
	want := bindiff.Line{Key: "build -tags", Texts: [2]string{"", "other"}}
	if len(d.BuildInfo) != 1 || d.BuildInfo[0] != want {
		t.Errorf("got %+v, want only %+v", d.BuildInfo, want)
	}
	lines, err := bindiff.BuildInfo(b)
	if err != nil || !slices.Contains(lines, "path example.org/program") || !slices.Contains(lines, "build -tags other") {
		t.Errorf("build information %q, %v", lines, err)
	}
	if _, err := bindiff.BuildInfo(filepath.Join(filepath.Dir(a), "main.go")); err == nil || !strings.Contains(err.Error(), "main.go") {
		t.Errorf("build information of a text: %v", err)
	}
}

// TestOneByte changes a byte in the middle of a section, and one in none.
func TestOneByte(t *testing.T) {
	t.Parallel()
	a := build(t, "x")
	data := read(t, a)
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	text := f.Section(".text")
	b := changed(t, data, int64(text.Offset)+100)
	d := files(t, a, b)
	if s := section(t, d, ".text"); len(d.Sections) != 1 || s.Offset != 100 || s.FileOffsets != [2]int64{int64(text.Offset) + 100, int64(text.Offset) + 100} || d.Offset != s.FileOffsets[0] {
		t.Errorf("got %+v", d)
	}
	// e_flags is in the header, and nothing on amd64.
	if d := files(t, a, changed(t, data, 48)); d.Offset != 48 || len(d.Sections) > 0 || len(d.Notes) > 0 {
		t.Errorf("a changed header: %+v", d)
	}
	if d := files(t, a, write(t, data[:len(data)-1])); d.Offset != int64(len(data)-1) && len(d.Notes) == 0 {
		t.Errorf("a shorter file: %+v", d)
	}
	if d := files(t, a, write(t, append(slices.Clone(data), 0))); d.Offset != int64(len(data)) || len(d.Sections) > 0 {
		t.Errorf("a longer file: %+v", d)
	}
}

// TestHostile compares with files that are made to break readers.
func TestHostile(t *testing.T) {
	t.Parallel()
	a := build(t, "x")
	data := read(t, a)
	header := binary.LittleEndian.Uint64(data[40:]) // e_shoff
	outside := slices.Clone(data)
	binary.LittleEndian.PutUint64(outside[header+64+24:], 1<<62) // sh_offset of section 1
	everywhere := slices.Clone(data)
	for i := uint64(1); i < uint64(binary.LittleEndian.Uint16(data[60:]))-1; i++ { // all sections but the names are the whole file
		binary.LittleEndian.PutUint64(everywhere[header+64*i+24:], 0)
		binary.LittleEndian.PutUint64(everywhere[header+64*i+32:], uint64(len(data)))
	}
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"empty":             {nil, "first bytes"},
		"text":              {[]byte("#!/bin/sh\n"), "neither ELF nor PE nor Mach-O"},
		"truncated":         {data[:200], "sections: "},
		"no sections":       {append([]byte("MZ"), make([]byte, 200)...), "sections: "},
		"section outside":   {outside, "sections: "},
		"other machine":     {changedTo(data, 18, byte(elf.EM_AARCH64)), "different machines: ELF EM_X86_64 and ELF EM_AARCH64"},
		"sections overlap":  {everywhere, ""},
		"only the magic":    {[]byte(elf.ELFMAG), "sections: "},
		"absurd number":     {changedTo(changedTo(data, 60, 0xff), 61, 0xff), "sections: "},
		"absurd entry size": {changedTo(data, 58, 0xff), "sections: "},
	} {
		d := files(t, a, write(t, test.data))
		if d.Same() || !strings.Contains(strings.Join(d.Notes, "\n"), test.want) {
			t.Errorf("%s: notes %q, want %q", name, d.Notes, test.want)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := bindiff.Files(cancelled, a, a); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := bindiff.Files(t.Context(), a, filepath.Dir(a)); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: %v", err)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t *testing.T, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "changed")
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func changed(t *testing.T, data []byte, offset int64) string {
	t.Helper()
	return write(t, changedTo(data, offset, data[offset]^1))
}

func changedTo(data []byte, offset int64, to byte) []byte {
	data = slices.Clone(data)
	data[offset] = to
	return data
}

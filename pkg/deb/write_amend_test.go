package deb

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// named puts a name into the header of a gzip stream: for an empty one the stream stays as it is, for others it is longer
// by one byte and the name.
func named(t *testing.T, stream []byte, name string) []byte {
	t.Helper()
	if name == "" {
		return stream
	}
	const flags, header, hasName = 3, 10, 8 // RFC 1952, 2.3
	longer := append(bytes.Clone(stream[:header]), name...)
	longer[flags] |= hasName
	return append(append(longer, 0), stream[header:]...)
}

// anyPackage is a small .deb.
func anyPackage(t *testing.T) []byte {
	t.Helper()
	var archive bytes.Buffer
	err := Write(t.Context(), &archive, Package{
		Name: "kubectl", Version: "1.36.3-1.1", Architecture: "amd64", Maintainer: "A <a@example.org>",
		Section: "admin", Priority: "optional", Summary: "client", Time: time.Unix(1e9, 0),
		Files: []File{{Path: "/usr/bin/kubectl", Data: []byte("program")}},
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

func TestAmenderTakesPiecesOfAnySize(t *testing.T) {
	t.Parallel()
	archive := anyPackage(t)
	for _, size := range []int{1, 7, 59, 61, len(archive)} {
		for _, name := range []string{"", "x", "xy"} {
			var out bytes.Buffer
			a := &amender{ctx: t.Context(), w: &out, amend: func(control []byte) ([]byte, error) { return named(t, control, name), nil }}
			for rest := archive; len(rest) > 0; rest = rest[min(size, len(rest)):] {
				if _, err := a.Write(rest[:min(size, len(rest))]); err != nil {
					t.Fatal(err)
				}
			}
			if err := a.finish(); err != nil {
				t.Errorf("pieces of %d: %v", size, err)
			}
			if same := bytes.Equal(out.Bytes(), archive); same != (name == "") {
				t.Errorf("pieces of %d, name %q: the archive is the same: %t", size, name, same)
			}
			if _, err := Read(t.Context(), &out, Limits{}); err != nil {
				t.Errorf("pieces of %d, name %q: %v", size, name, err)
			}
		}
	}
}

func TestAmenderFindsWhatIsMissing(t *testing.T) {
	t.Parallel()
	archive := anyPackage(t)
	same := func(control []byte) ([]byte, error) { return control, nil }
	for _, n := range []int{0, 4, 8, 40, 72, 100, len(archive) - 1} {
		a := &amender{ctx: t.Context(), w: io.Discard, amend: same}
		if _, err := a.Write(archive[:n]); err != nil {
			t.Fatal(err)
		}
		if err := a.finish(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("after %d of %d bytes the archive is complete: %v", n, len(archive), err)
		}
	}
	if _, err := (&amender{}).message(strings.NewReader("")); err == nil {
		t.Error("there is something to sign before there is a control member")
	}
	a := &amender{ctx: t.Context(), w: io.Discard, amend: same}
	if _, err := a.Write(bytes.Replace(archive, []byte("4         `"), []byte("four      `"), 1)); err == nil || !strings.Contains(err.Error(), "size of archive member") {
		t.Errorf("a size that is no number: %v", err)
	}
	a = &amender{ctx: t.Context(), w: io.Discard, amend: same}
	a.close()
	if _, err := a.Write(archive); !errors.Is(err, errClosed) {
		t.Errorf("written after close: %v", err)
	}
}

func TestSetInstalledSizeRefuses(t *testing.T) {
	t.Parallel()
	if _, err := setInstalledSize([]byte("no gzip"), 1); err == nil || !strings.HasPrefix(err.Error(), "control.tar.gz: ") {
		t.Errorf("error is %v", err)
	}
	// An empty archive, gzipped: no control file, so no field.
	empty := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0}
	if _, err := setInstalledSize(empty, 1); err == nil || !strings.Contains(err.Error(), "0 fields Installed-Size") {
		t.Errorf("error is %v", err)
	}
}

package deb_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"kubedist/pkg/deb"
)

// walkGo is deb.WalkTar with the standard library.
func walkGo(r io.Reader) ([]string, error) {
	entries := tar.NewReader(r)
	var all []string
	for {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		contents, err := io.ReadAll(entries)
		if err != nil {
			return all, err
		}
		all = append(all, fmt.Sprintf("%q %c %q", h.Name, h.Typeflag, contents))
	}
}

// tarOf packs entries in one format.
func tarOf(t testing.TB, format tar.Format, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		h.Format, h.Mode, h.ModTime = format, 0o644, time.Unix(1790000000, 0)
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(bytes.Repeat([]byte("x"), int(h.Size))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarSamples(t testing.TB) map[string][]byte {
	long := "./" + strings.Repeat("directory/", 20) + "file"
	usual := []tar.Header{
		{Name: "./", Typeflag: tar.TypeDir}, {Name: "./usr/bin/x", Typeflag: tar.TypeReg, Size: 1000}, {Name: "./empty", Typeflag: tar.TypeReg},
		{Name: "./block", Typeflag: tar.TypeReg, Size: 512}, {Name: "./l", Typeflag: tar.TypeSymlink, Linkname: "x"}, {Name: "./h", Typeflag: tar.TypeLink, Linkname: "./empty"},
		{Name: "./dev", Typeflag: tar.TypeChar, Devmajor: 1}, {Name: "./pipe", Typeflag: tar.TypeFifo},
	}
	ustar := tarOf(t, tar.FormatUSTAR, append(usual, tar.Header{Name: long, Typeflag: tar.TypeReg, Size: 3})...)
	return map[string][]byte{
		"ustar":  ustar,
		"gnu":    tarOf(t, tar.FormatGNU, append(usual, tar.Header{Name: long + strings.Repeat("-", 100), Typeflag: tar.TypeReg, Size: 3}, tar.Header{Name: "./k", Typeflag: tar.TypeSymlink, Linkname: long})...),
		"no end": ustar[:len(ustar)-1024],
		"empty":  nil,
	}
}

// TestTarLikeGo reads what packages hold as the standard library does.
func TestTarLikeGo(t *testing.T) {
	t.Parallel()
	for name, file := range tarSamples(t) {
		want, err := walkGo(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		for how, r := range map[string]io.Reader{"whole": bytes.NewReader(file), "byte by byte": iotest.OneByteReader(bytes.NewReader(file)), "end with data": iotest.DataErrReader(bytes.NewReader(file))} {
			if got, err := deb.WalkTar(r); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s, %s: got %q, %v\nwant %q", name, how, got, err, want)
			}
		}
	}
}

func TestTarRefuses(t *testing.T) {
	t.Parallel()
	good := tarOf(t, tar.FormatUSTAR, tar.Header{Name: "./x", Typeflag: tar.TypeReg, Size: 600})
	change := func(at int, b byte) []byte {
		file := bytes.Clone(good)
		file[at] = b
		return file
	}
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"pax", tarOf(t, tar.FormatPAX, tar.Header{Name: "./ü", Typeflag: tar.TypeReg, PAXRecords: map[string]string{"comment": "x"}}), "is of the kind 'x', which packages cannot have"},
		{"another sum", change(0, 'y'), "what should be a header is none"},
		{"no sum", change(148, 'y'), "what should be a header is none"},
		{"cut in a header", good[:300], "ends in the middle"},
		{"cut in a file", good[:700], "ends in the middle"},
		{"cut in the padding", good[:512+610], "ends in the middle"},
		{"a long name without its entry", tarOf(t, tar.FormatGNU, tar.Header{Name: strings.Repeat("n", 200), Typeflag: tar.TypeReg})[:1024], "ends in the middle"},
		{"a name without end", tarOf(t, tar.FormatGNU, tar.Header{Name: strings.Repeat("n", 5000), Typeflag: tar.TypeReg}), "longer than the 4096 allowed"},
	} {
		if got, err := deb.WalkTar(bytes.NewReader(c.file)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %q, %v, want an error with %s", c.name, got, err, c.want)
		}
	}
}

// FuzzTar compares with the standard library: what both read must be the same.
func FuzzTar(f *testing.F) {
	for _, file := range tarSamples(f) {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := deb.WalkTar(bytes.NewReader(file))
		if err != nil {
			return
		}
		if want, err := walkGo(bytes.NewReader(file)); err == nil && len(want) == len(got) && !slices.Equal(got, want) {
			t.Errorf("got %q, the standard library reads %q", got, want)
		}
	})
}

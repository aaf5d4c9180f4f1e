package tarball_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"kubedist/pkg/tarball"
)

// foreign makes a tarball with the standard library alone.
func foreign(t testing.TB, headers ...*tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	zw := gzip.NewWriter(&out)
	tw := tar.NewWriter(zw)
	for _, h := range headers {
		if err := tw.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(tw, zeros{}, h.Size); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestListForeign(t *testing.T) {
	t.Parallel()
	data := foreign(t,
		&tar.Header{Name: "./bin/", Typeflag: tar.TypeDir, Mode: 0o2775, Uid: 1000, Gid: 1000, Uname: "build", Gname: "staff", ModTime: stamp},
		&tar.Header{Name: "./bin/su", Typeflag: tar.TypeReg, Mode: 0o4755, Size: 3, ModTime: stamp},
		&tar.Header{Name: "../out", Typeflag: tar.TypeSymlink, Linkname: "/etc", Mode: 0o777, ModTime: stamp},
	)
	golden(t, "foreign.txt", listing(t, data))
}

func TestListRefuses(t *testing.T) {
	t.Parallel()
	whole := pack(t, sample(), tarball.Options{})
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-6] ^= 1 // within the CRC
	tests := map[string]struct {
		data   []byte
		limits tarball.Limits
		want   string
		is     error
	}{
		"nothing":        {nil, tarball.Limits{}, "tarball: EOF", io.EOF},
		"no gzip":        {[]byte("not a tarball at all"), tarball.Limits{}, "invalid header", gzip.ErrHeader},
		"truncated":      {whole[:len(whole)/2], tarball.Limits{}, "unexpected EOF", io.ErrUnexpectedEOF},
		"check sum":      {flipped, tarball.Limits{}, "after its last entry", gzip.ErrChecksum},
		"trailing bytes": {append(bytes.Clone(whole), "more"...), tarball.Limits{}, "after its last entry", io.ErrUnexpectedEOF},
		"entries":        {whole, tarball.Limits{Entries: 3}, "more than 3 entries", tarball.ErrLimit},
		"bytes":          {whole, tarball.Limits{Bytes: 2000}, "larger than allowed", tarball.ErrLimit},
		"bomb":           {foreign(t, &tar.Header{Name: "a", Size: 8 << 20}), tarball.Limits{Bytes: 1 << 20}, `entry "a"`, tarball.ErrLimit},
		"device": {foreign(t, &tar.Header{Name: "dev/null", Typeflag: tar.TypeChar}), tarball.Limits{},
			`"dev/null": type '3' is neither`, nil},
		"hard link": {foreign(t, &tar.Header{Name: "l", Typeflag: tar.TypeLink, Linkname: "a"}), tarball.Limits{}, `"l": type '1'`, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entries, err := tarball.List(t.Context(), bytes.NewReader(test.data), test.limits)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v with %d entries, want %q", err, len(entries), test.want)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("error %v does not wrap %v", err, test.is)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tarball.List(ctx, bytes.NewReader(whole), tarball.Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// The uncompressed size itself is within the limit, one byte less is not.
func TestListExactLimit(t *testing.T) {
	t.Parallel()
	whole := pack(t, archiveOf("a"), tarball.Options{})
	zr, err := gzip.NewReader(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	size, err := io.Copy(io.Discard, zr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tarball.List(t.Context(), bytes.NewReader(whole), tarball.Limits{Bytes: size}); err != nil {
		t.Errorf("limit of %d bytes: %v", size, err)
	}
	if _, err := tarball.List(t.Context(), bytes.NewReader(whole), tarball.Limits{Bytes: size - 1}); !errors.Is(err, tarball.ErrLimit) {
		t.Errorf("limit of %d bytes: %v", size-1, err)
	}
}

func FuzzList(f *testing.F) {
	f.Add(foreign(f, &tar.Header{Name: "a", Size: 3}, &tar.Header{Name: "d/", Typeflag: tar.TypeDir}))
	f.Add(foreign(f, &tar.Header{Name: strings.Repeat("long/", 60), Typeflag: tar.TypeDir, Format: tar.FormatPAX}))
	f.Add([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255})
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := tarball.Limits{Entries: 50, Bytes: 1 << 20}
		entries, err := tarball.List(t.Context(), bytes.NewReader(data), limits)
		if err != nil && entries != nil {
			t.Errorf("entries beside error %v", err)
		}
		if len(entries) > limits.Entries {
			t.Errorf("%d entries", len(entries))
		}
		for _, e := range entries {
			if e.Size < 0 || e.SHA256 != "" && !e.Type.IsRegular() {
				t.Errorf("odd entry %v", e)
			}
			_ = e.String()
		}
	})
}

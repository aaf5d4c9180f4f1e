package deb_test

import (
	"io"
	"strings"
	"testing"

	"kubedist/pkg/deb"
)

func TestParseCompression(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, out, err string }{
		{in: "zstd", out: "zstd"},
		{in: "zstd:1", out: "zstd:1"},
		{in: "zstd:22", out: "zstd:22"},
		{in: "gzip", out: "gzip"},
		{in: "gzip:9", out: "gzip:9"},
		{in: "xz", out: "xz"},
		{in: "none", out: "none"},
		{in: "", err: `unknown algorithm ""`},
		{in: "bzip2", err: `unknown algorithm "bzip2"`},
		{in: "ZSTD", err: "unknown algorithm"},
		{in: "zstd:", err: `level ""`},
		{in: "zstd:0", err: "from 1 to 22"},
		{in: "zstd:23", err: "from 1 to 22"},
		{in: "zstd:best", err: `level "best"`},
		{in: "zstd:1:2", err: `level "1:2"`},
		{in: "gzip:+6", err: `level "+6"`},
		{in: "gzip:06", err: `level "06"`},
		{in: "gzip:10", err: "from 1 to 9"},
		{in: "xz:9", err: "xz has no levels"},
		{in: "none:1", err: "none has no levels"},
	} {
		var c deb.Compression
		err := c.UnmarshalText([]byte(test.in))
		if test.err == "" && (err != nil || c.String() != test.out) || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("%q gives %s, %v", test.in, c, err)
		}
	}
	if got := (deb.Compression{}).String(); got != "zstd" {
		t.Errorf("zero value is %s", got)
	}
}

// FuzzParseCompression: whatever is accepted is written as it was read, and packages can be written with it.
func FuzzParseCompression(f *testing.F) {
	for _, s := range []string{"zstd", "zstd:19", "gzip:6", "xz", "none", "xz:", "zstd:-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := deb.ParseCompression(s)
		if err != nil {
			return
		}
		if c.String() != s {
			t.Errorf("%q is written as %q", s, c)
		}
		p := deb.Package{
			Name: "kubectl", Version: "1-1", Architecture: "all", Maintainer: "A <a@example.org>",
			Section: "admin", Priority: "optional", Summary: "x", Time: writtenAt,
		}
		if err := deb.Write(t.Context(), io.Discard, p, deb.Options{Compression: c}); err != nil {
			t.Error(err)
		}
	})
}

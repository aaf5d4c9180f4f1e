package deb_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"kubedist/pkg/deb"
)

func TestDigests(t *testing.T) {
	t.Parallel()
	text := string(noise(300_000))
	plain := tarFile(t, entry{"./usr/bin/", "", tar.TypeDir}, entry{"./usr/bin/b", text, tar.TypeReg}, entry{"./usr/bin/a", "", tar.TypeReg},
		entry{"./usr/bin/link", "b", tar.TypeSymlink}, entry{"./../etc/x", "x", tar.TypeReg})
	for _, kind := range []string{"", "gz", "xz", "zst"} {
		file := dataDeb(t, "amd64", kind, plain)
		info, got, err := deb.Digests(t.Context(), bytes.NewReader(file), deb.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if info.SHA256 != sha256.Sum256(file) || info.Architecture != "amd64" {
			t.Errorf("%q: package %+v", kind, info)
		}
		var want []deb.Installed
		for _, f := range []struct{ name, text string }{{"etc/x", "x"}, {"usr/bin/a", ""}, {"usr/bin/b", text}} {
			want = append(want, deb.Installed{Name: f.name, Size: int64(len(f.text)), SHA1: fmt.Sprintf("%x", sha1.Sum([]byte(f.text))), SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(f.text)))})
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: got %v, want %v", kind, got, want)
		}
	}
}

func TestDigestsRefuses(t *testing.T) {
	t.Parallel()
	twice := tarFile(t, entry{"./a", "1", tar.TypeReg}, entry{"./x/../a", "2", tar.TypeReg})
	three := tarFile(t, entry{"./a", "", tar.TypeReg}, entry{"./b", "", tar.TypeReg}, entry{"./c", "", tar.TypeReg})
	for _, c := range []struct {
		name   string
		file   []byte
		limits deb.Limits
		want   string
	}{
		{"a name twice", dataDeb(t, "amd64", "gz", twice), deb.Limits{}, "a comes twice"},
		{"many files", dataDeb(t, "amd64", "gz", three), deb.Limits{Files: 2}, "more than 2 entries"},
		{"a bomb", dataDeb(t, "amd64", "gz", make([]byte, 4<<20)), deb.Limits{Data: 1 << 20}, "more than the 1048576 bytes allowed"},
		{"no tar", dataDeb(t, "amd64", "gz", bytes.Repeat([]byte("odd"), 1000)), deb.Limits{}, "tar: "},
	} {
		if _, got, err := deb.Digests(t.Context(), bytes.NewReader(c.file), c.limits); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, %v; want %q in the error", c.name, got, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := deb.Digests(ctx, bytes.NewReader(dataDeb(t, "amd64", "gz", three)), deb.Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

package buildroot_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"kubedist/pkg/buildroot"
	"kubedist/pkg/deb/debtest"
	"kubedist/pkg/spec"
)

// Whatever a package holds, all that it writes is inside of the root.
func FuzzUnpack(f *testing.F) {
	for _, files := range [][]file{
		{dir("./"), regular("./usr/bin/x", "text"), symlink("./l", "../.."), regular("./l/x", "x")},
		{hardlink("h", "../x"), regular("../../x", "x")},
		{regular("x", "x"), hardlink("./y", "x"), {tar.Header{Name: "p", Typeflag: tar.TypeFifo}, ""}},
	} {
		whole := newDeb(f, "aa", files...)
		f.Add(whole[bytes.Index(whole, []byte("data.tar"))+60:])
	}
	empty := debtest.Bytes(f, "aa", "1", "all")
	start := empty[:bytes.Index(empty, []byte("data.tar"))]
	f.Fuzz(func(t *testing.T, data []byte) {
		deb := append(slices.Clone(start), debtest.Member("data.tar", data)...)
		top := t.TempDir()
		if err := os.Mkdir(filepath.Join(top, "root"), 0o755); err != nil {
			t.Fatal(err)
		}
		l := spec.Locked{Package: "aa", Version: "1", Architecture: "all", Size: int64(len(deb)), SHA256: fmt.Sprintf("%x", sha256.Sum256(deb))}
		_ = buildroot.Unpack(t.Context(), filepath.Join(top, "root"), bytes.NewReader(deb), l) // most are refused
		entries, err := os.ReadDir(top)
		if err != nil || len(entries) != 1 || !entries[0].IsDir() {
			t.Errorf("beside the root there are %v, %v", entries, err)
		}
	})
}

// An order that is accepted names nothing outside of the root for inside.
func FuzzParseOrder(f *testing.F) {
	f.Add(`{"root":"/r","mount":"/m","binds":[{"host":"/a","inside":"/out","writable":true}],"program":"/bin/x","name":"x","dir":"/"}`)
	f.Add(`{"root":"/r","mount":"/m","binds":[{"host":"/a","inside":"/../x"}],"dir":"/x/../.."}`)
	f.Fuzz(func(t *testing.T, text string) {
		o, err := buildroot.ParseOrder(text)
		if err != nil {
			return
		}
		paths := []string{o.Dir}
		for _, b := range o.Binds {
			paths = append(paths, b.Inside)
		}
		for _, p := range paths {
			if !filepath.IsAbs(p) || filepath.Clean(p) != p {
				t.Errorf("%q is accepted", p)
			}
		}
	})
}

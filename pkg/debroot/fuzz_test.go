package debroot_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"kubedist/pkg/deb/debtest"
	"kubedist/pkg/debroot"
	"kubedist/pkg/debroot/roottest"
	"kubedist/pkg/spec"
)

// Whatever a package holds, all that it writes is inside of the root.
func FuzzUnpack(f *testing.F) {
	for _, files := range [][]roottest.File{
		{roottest.Dir("./"), roottest.Regular("./usr/bin/x", "text"), roottest.Symlink("./l", "../.."), roottest.Regular("./l/x", "x")},
		{roottest.Hardlink("h", "../x"), roottest.Regular("../../x", "x")},
		{roottest.Regular("x", "x"), roottest.Hardlink("./y", "x"), {Header: tar.Header{Name: "p", Typeflag: tar.TypeFifo}}},
	} {
		whole := roottest.NewDeb(f, "aa", "all", files...)
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
		_ = debroot.Unpack(t.Context(), filepath.Join(top, "root"), bytes.NewReader(deb), l) // most are refused
		entries, err := os.ReadDir(top)
		if err != nil || len(entries) != 1 || !entries[0].IsDir() {
			t.Errorf("beside the root there are %v, %v", entries, err)
		}
	})
}

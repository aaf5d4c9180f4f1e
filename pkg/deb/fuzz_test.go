package deb_test

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"

	"kubedist/pkg/deb"
)

// What passes as a name, a version and an architecture makes one plain file name.
func FuzzNames(f *testing.F) {
	f.Add("kubeadm", "1.36.3-1.1", "amd64")
	f.Add("g++", "4:12.2.0-3+b1~x", "all")
	f.Add("../x", "1/../..", "any")
	f.Fuzz(func(t *testing.T, name, version, arch string) {
		if deb.CheckName(name) != nil || deb.CheckArchitecture(arch) != nil {
			return
		}
		v, err := deb.ParseVersion(version)
		if err != nil {
			return
		}
		if again, err := deb.ParseVersion(v.String()); err != nil || again != v {
			t.Errorf("%q: got %+v, %v, was %+v", v, again, err, v)
		}
		file := deb.Name(&deb.Info{Package: name, Version: version, Architecture: arch})
		if file != filepath.Base(file) || strings.HasPrefix(file, ".") || strings.ContainsAny(file, "/\\ \t\r\n\x00") || strings.Count(file, "_") != 2 {
			t.Errorf("name %q is no plain file name", file)
		}
	})
}

// What a decoder unpacks passes, unless it asks for more than is allowed or is beyond what packages have.
func FuzzCheckXZ(f *testing.F) {
	for _, text := range []string{"", "x", strings.Repeat("xyz", 100_000)} {
		f.Add(compress(f, "xz", []byte(text)))
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		if deb.CheckXZ(packed, 1<<20) != nil {
			return
		}
		r, err := xz.ReaderConfig{SingleStream: true}.NewReader(bytes.NewReader(packed))
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, io.LimitReader(r, 4<<20)); err != nil {
			return
		}
	})
}

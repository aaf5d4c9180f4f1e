// Package debtest makes small packages for tests. It puts deb(5) archives together by hand, without package deb, so that
// what reads them is not tested against what writes them; it checks nothing, so that tests can make bad ones.
package debtest

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Magic is what each ar archive begins with.
const Magic = "!<arch>\n"

// Member is one member of an ar archive, with its header. The name must have at most 16 bytes.
func Member(name string, data []byte) []byte {
	out := fmt.Appendf(nil, "%-16s%-12d%-6d%-6d%-8o%-10d`\n", name, 0, 0, 0, 0o100644, len(data))
	out = append(out, data...)
	if len(data)%2 == 1 {
		out = append(out, '\n')
	}
	return out
}

// Bytes is a package, the same for the same arguments. fields are control fields beside the usual ones, such as
// "Depends: libc6"; one that begins with a slash is instead an empty file that the package installs.
func Bytes(t testing.TB, name, version, arch string, fields ...string) []byte {
	t.Helper()
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: Kubernetes Authors <dev@example.org>\n", name, version, arch)
	var installed []file
	for _, f := range fields {
		if strings.HasPrefix(f, "/") {
			installed = append(installed, file{"." + f, ""})
		} else {
			control += f + "\n"
		}
	}
	control += "Description: " + name + " for tests\n It does nothing.\n"
	out := []byte(Magic)
	out = append(out, Member("debian-binary", []byte("2.0\n"))...)
	out = append(out, Member("control.tar", tarOf(t, file{"./control", control}))...)
	return append(out, Member("data.tar", tarOf(t, installed...))...)
}

// New writes a package, as Bytes makes it, into a directory of its own and returns its path. An epoch is no part of the
// file's name.
func New(t testing.TB, name, version, arch string, fields ...string) string {
	t.Helper()
	_, plain, found := strings.Cut(version, ":")
	if !found {
		plain = version
	}
	path := filepath.Join(t.TempDir(), name+"_"+plain+"_"+arch+".deb")
	if err := os.WriteFile(path, Bytes(t, name, version, arch, fields...), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

type file struct{ name, text string }

func tarOf(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(f.text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

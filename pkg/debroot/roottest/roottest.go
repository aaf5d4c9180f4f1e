// Package roottest makes packages with any entries, good or bad, and a mirror that has them, for tests of what unpacks
// packages.
package roottest

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"kubedist/pkg/deb/debtest"
	"kubedist/pkg/spec"
)

// File is an entry of a package: a file, or whatever its header says.
type File struct {
	tar.Header
	Text string
}

// Regular is a file of mode 0644.
func Regular(name, text string) File {
	return File{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644}, text}
}

// Program is a file that anyone may run, as its owner.
func Program(name, text string) File {
	return File{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o4751}, text}
}

// Dir is a directory.
func Dir(name string) File {
	return File{tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: 0o700}, ""}
}

// Symlink is a symbolic link.
func Symlink(name, to string) File {
	return File{tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: to}, ""}
}

// Hardlink is another name of a file.
func Hardlink(name, to string) File {
	return File{tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: to}, ""}
}

// NewDeb makes a package of version 1 for an architecture.
func NewDeb(t testing.TB, name, arch string, files ...File) []byte {
	t.Helper()
	var data bytes.Buffer
	w := tar.NewWriter(&data)
	for _, f := range files {
		f.Size = int64(len(f.Text))
		if err := w.WriteHeader(&f.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f.Text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	// All but the data member is that of a package without files.
	empty := debtest.Bytes(t, name, "1", arch)
	start := bytes.Index(empty, []byte("data.tar"))
	return append(slices.Clone(empty[:start]), debtest.Member("data.tar", data.Bytes())...)
}

// Pool is a mirror of packages.
type Pool struct {
	*httptest.Server
	mu    sync.Mutex
	Files map[string][]byte // by path
	asked []string
}

// NewPool starts a mirror that ends with the test.
func NewPool(t testing.TB) *Pool {
	t.Helper()
	p := &Pool{Files: map[string][]byte{}}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.asked = append(p.asked, strings.TrimPrefix(r.URL.Path, "/"))
		data, found := p.Files[r.URL.Path[1:]]
		if !found {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(data)
	}))
	t.Cleanup(p.Close)
	return p
}

// Add adds a package for all architectures and returns its lock.
func (p *Pool) Add(t testing.TB, name string, files ...File) spec.Locked {
	t.Helper()
	return p.AddFor(t, name, "all", files...)
}

// AddFor adds a package for an architecture and returns its lock.
func (p *Pool) AddFor(t testing.TB, name, arch string, files ...File) spec.Locked {
	t.Helper()
	data := NewDeb(t, name, arch, files...)
	at := name + ".deb"
	if arch != "all" {
		at = arch + "/" + at
	}
	p.Files[at] = data
	return spec.Locked{Package: name, Version: "1", Architecture: arch, Path: at, Size: int64(len(data)), SHA256: fmt.Sprintf("%x", sha256.Sum256(data))}
}

// Requests returns what was asked for, sorted, and forgets it.
func (p *Pool) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.asked
	p.asked = nil
	slices.Sort(asked)
	return asked
}

// Listing is all that can be seen of a directory's files, a line each.
func Listing(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content := ""
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			content, err = os.Readlink(name)
		case info.Mode().IsRegular():
			var data []byte
			data, err = os.ReadFile(name)
			content = fmt.Sprintf("%x", sha256.Sum256(data))
			if len(data) < 40 {
				content = fmt.Sprintf("%q", data)
			}
		}
		rel, relErr := filepath.Rel(dir, name)
		fmt.Fprintf(&b, "%s %s %s\n", info.Mode(), rel, content)
		if err != nil {
			return err
		}
		return relErr
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

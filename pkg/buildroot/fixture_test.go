package buildroot_test

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
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"kubedist/pkg/buildroot"
	"kubedist/pkg/deb/debtest"
	"kubedist/pkg/spec"
)

// The test binary is the program that enters roots.
func TestMain(m *testing.M) {
	if order, asked := buildroot.Asked(os.Args[0], os.Getenv); asked {
		os.Exit(buildroot.Enter(order, os.Args[1:], os.Environ(), os.Stderr))
	}
	os.Exit(m.Run())
}

// debianArch is Debian's name of the machine that tests run on.
var debianArch = map[string]string{"amd64": "amd64", "arm64": "arm64", "ppc64le": "ppc64el", "s390x": "s390x", "riscv64": "riscv64"}[runtime.GOARCH]

// file is an entry of a package: a file, or whatever its header says.
type file struct {
	tar.Header
	text string
}

func regular(name, text string) file {
	return file{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644}, text}
}

func program(name, text string) file {
	return file{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o4751}, text}
}

func dir(name string) file {
	return file{tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: 0o700}, ""}
}

func symlink(name, to string) file {
	return file{tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: to}, ""}
}

func hardlink(name, to string) file {
	return file{tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: to}, ""}
}

// newDeb makes a package of version 1.
func newDeb(t testing.TB, name string, files ...file) []byte {
	t.Helper()
	var data bytes.Buffer
	w := tar.NewWriter(&data)
	for _, f := range files {
		f.Size = int64(len(f.text))
		if err := w.WriteHeader(&f.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	// All but the data member is that of a package without files.
	empty := debtest.Bytes(t, name, "1", "all")
	start := bytes.Index(empty, []byte("data.tar"))
	return append(slices.Clone(empty[:start]), debtest.Member("data.tar", data.Bytes())...)
}

// pool is a mirror of packages.
type pool struct {
	*httptest.Server
	mu    sync.Mutex
	files map[string][]byte
	asked []string
}

func newPool(t testing.TB) *pool {
	t.Helper()
	p := &pool{files: map[string][]byte{}}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.asked = append(p.asked, strings.TrimPrefix(r.URL.Path, "/"))
		data, found := p.files[r.URL.Path[1:]]
		if !found {
			http.NotFound(w, r)
			return
		}
		w.Write(data)
	}))
	t.Cleanup(p.Close)
	return p
}

// add adds a package and returns its lock.
func (p *pool) add(t testing.TB, name string, files ...file) spec.Locked {
	t.Helper()
	data := newDeb(t, name, files...)
	p.files[name+".deb"] = data
	return spec.Locked{Package: name, Version: "1", Architecture: "all", Path: name + ".deb", Size: int64(len(data)), SHA256: fmt.Sprintf("%x", sha256.Sum256(data))}
}

// requests returns what was asked for, sorted, and forgets it.
func (p *pool) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.asked
	p.asked = nil
	slices.Sort(asked)
	return asked
}

func toolchain(locked ...spec.Locked) spec.Toolchain {
	return spec.Toolchain{Suite: "test", Architecture: debianArch, Packages: []string{"x"}, Locked: locked}
}

func fetch(t testing.TB, p *pool, cache string, tc spec.Toolchain) (*buildroot.Root, error) {
	t.Helper()
	return buildroot.Fetch(t.Context(), buildroot.Options{Toolchain: tc, CacheDir: cache, Mirror: p.URL})
}

// listing is all that can be seen of a directory's files, a line each.
func listing(t testing.TB, dir string) string {
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

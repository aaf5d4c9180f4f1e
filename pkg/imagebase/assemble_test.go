package imagebase_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"kubedist/pkg/debroot/roottest"
	"kubedist/pkg/hint"
	"kubedist/pkg/imagebase"
	"kubedist/pkg/mirror"
	"kubedist/pkg/platform"
	"kubedist/pkg/spec"
	"kubedist/pkg/tarball"
)

var templates = fstest.MapFS{"base/passwd": &fstest.MapFile{Data: []byte("root:x:0:0:root:/root:/sbin/nologin\n")}}

func platformOf(t testing.TB, text, debian string) spec.Platform {
	t.Helper()
	id, err := platform.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return spec.Platform{Platform: platform.Platform{ID: id, Debian: debian}}
}

// baseOf is a base that asks for the packages of its lock.
func baseOf(locked ...spec.Locked) spec.Base {
	b := spec.Base{Name: "files", Suite: "test", Locked: locked}
	for _, l := range locked {
		if !slices.Contains(b.Packages, l.Package) {
			b.Packages = append(b.Packages, l.Package)
		}
	}
	return b
}

func fetch(t testing.TB, p *roottest.Pool, cache string, b spec.Base, on spec.Platform) (*imagebase.Content, error) {
	t.Helper()
	return imagebase.Fetch(t.Context(), imagebase.Options{Base: b, Platform: on, Templates: templates, CacheDir: cache, Mirror: p.URL})
}

// list is all that an archive says of its files, a line each.
func list(a *tarball.Archive) string {
	var b strings.Builder
	for _, f := range a.Files {
		switch {
		case f.Dir:
			fmt.Fprintf(&b, "%o %s/\n", f.Mode, f.Name)
		case f.Link != "":
			fmt.Fprintf(&b, "%s -> %s\n", f.Name, f.Link)
		default:
			fmt.Fprintf(&b, "%o %s\n", f.Mode, f.Name)
		}
	}
	return b.String()
}

// layer is the SHA-256 of the archive as it is written.
func layer(t testing.TB, a *tarball.Archive) string {
	t.Helper()
	h := sha256.New()
	if err := a.WriteGzip(t.Context(), h, tarball.Options{Time: time.Unix(1e9, 0)}); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// full is a base that has everything, for two architectures.
func full(t testing.TB, p *roottest.Pool) spec.Base {
	t.Helper()
	certificates := p.Add(t, "certificates", roottest.Dir("./"), roottest.Regular("./usr/share/certs/b.crt", "B"), roottest.Regular("./usr/share/certs/a.crt", "A\n"),
		roottest.Regular("./usr/share/man/man1/x.1", "manual"), roottest.Symlink("./usr/share/doc", "/usr/share/licences"), roottest.Dir("./run/"))
	tools := []roottest.File{roottest.Symlink("./lib", "usr/lib"), roottest.Program("./usr/sbin/nft", "elf"), roottest.Hardlink("./usr/sbin/nft2", "./usr/sbin/nft")}
	b := baseOf(certificates, p.AddFor(t, "tools", "amd64", tools...), p.AddFor(t, "tools", "armhf", tools[:2]...))
	b.Exclude = []spec.LeftOut{{Match: []string{"usr/share/man"}}}
	b.Bundles = []spec.Bundle{{Match: "usr/share/certs/*.crt", To: "/etc/ssl/ca.crt", Drop: true}}
	b.Files = []spec.BaseTemplate{{Template: "base/passwd", To: "/etc/passwd"}}
	b.Links = []spec.Symlink{{Path: "usr/sbin/iptables", To: "nft"}}
	return b
}

func TestFetch(t *testing.T) {
	t.Parallel()
	p, cache := roottest.NewPool(t), t.TempDir()
	b := full(t, p)
	content, err := fetch(t, p, cache, b, platformOf(t, "linux/amd64", "amd64"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `755 etc/
644 etc/passwd
755 etc/ssl/
644 etc/ssl/ca.crt
lib -> usr/lib
755 run/
755 usr/
755 usr/sbin/
usr/sbin/iptables -> nft
755 usr/sbin/nft
755 usr/sbin/nft2
755 usr/share/
usr/share/doc -> ../../usr/share/licences
755 var/
755 var/lib/
755 var/lib/dpkg/
755 var/lib/dpkg/status.d/
644 var/lib/dpkg/status.d/certificates
644 var/lib/dpkg/status.d/tools
`
	if got := list(content.Archive); got != want {
		t.Errorf("got\n%s", got)
	}
	files := roottest.Listing(t, content.Dir)
	for _, want := range []string{`etc/ssl/ca.crt "A\nB\n"`, `etc/passwd "root:x:0:0:root:/root:/sbin/nologin\n"`} {
		if !strings.Contains(files, want) {
			t.Errorf("no %s in\n%s", want, files)
		}
	}
	if len(content.Packages) != 2 || content.Image != nil || !strings.HasPrefix(content.Dir, filepath.Join(cache, "bases")) {
		t.Errorf("got %+v", content)
	}
	if got := p.Requests(); !slices.Equal(got, []string{"amd64/tools.deb", "certificates.deb"}) {
		t.Errorf("asked for %q", got)
	}
	arm, err := fetch(t, p, cache, b, platformOf(t, "linux/arm/v7", "armhf"))
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Requests(); !slices.Equal(got, []string{"armhf/tools.deb"}) || strings.Contains(list(arm.Archive), "nft2") {
		t.Errorf("asked for %q, got\n%s", got, list(arm.Archive))
	}
	p.Close() // what is there needs no mirror
	again, err := fetch(t, p, cache, b, platformOf(t, "linux/amd64", "amd64"))
	if err != nil || again.Dir != content.Dir {
		t.Errorf("got %v, %v", again, err)
	}
}

// The layer is the same in another cache, whatever the umask is and whichever package comes first.
func TestFetchIsReproducible(t *testing.T) {
	on := platformOf(t, "linux/amd64", "amd64")
	var layers []string
	for _, mask := range []int{0o022, 0o077, 0} {
		old := syscall.Umask(mask) // that of the process: no t.Parallel here
		p := roottest.NewPool(t)
		content, err := fetch(t, p, t.TempDir(), full(t, p), on)
		syscall.Umask(old)
		if err != nil {
			t.Fatal(err)
		}
		layers = append(layers, layer(t, content.Archive))
	}
	if layers[0] != layers[1] || layers[0] != layers[2] {
		t.Errorf("layers are %q", layers)
	}
}

// What decides what is in a base is in its name in the cache; so a template that changes gives another base.
func TestFetchAfterTemplateChanged(t *testing.T) {
	t.Parallel()
	p, cache := roottest.NewPool(t), t.TempDir()
	b, on := full(t, p), platformOf(t, "linux/amd64", "amd64")
	first, err := fetch(t, p, cache, b, on)
	if err != nil {
		t.Fatal(err)
	}
	changed := fstest.MapFS{"base/passwd": &fstest.MapFile{Data: []byte("x")}}
	second, err := imagebase.Fetch(t.Context(), imagebase.Options{Base: b, Platform: on, Templates: changed, CacheDir: cache, Mirror: p.URL})
	if err != nil || second.Dir == first.Dir || !strings.Contains(roottest.Listing(t, second.Dir), `etc/passwd "x"`) {
		t.Errorf("got %+v, %v", second, err)
	}
}

// Packages cannot leave the root, and what two of them have, or one of them and the base, is a mistake.
func TestFetchRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		files  []roottest.File
		change func(b *spec.Base)
		want   string // "" when it is fine
	}{
		{"above the root", []roottest.File{roottest.Regular("../../x", "x")}, nil, ""}, // lands inside
		{"set-user-ID", []roottest.File{roottest.Program("x", "x")}, nil, ""},          // is dropped
		{"absolute link", []roottest.File{roottest.Symlink("a/b/x", "/etc/passwd")}, nil, ""},
		{"link out", []roottest.File{roottest.Symlink("x", "../etc/passwd")}, nil, "outside of the archive"},
		{"link through another", []roottest.File{roottest.Symlink("x", "a/../b")}, nil, "outside of the archive"},
		{"through a link", []roottest.File{roottest.Symlink("x", "/etc"), roottest.Regular("x/passwd", "x")}, nil, "x is a directory here, and none in package aa"},
		{"below usr through lib", []roottest.File{roottest.Symlink("lib", "usr/lib"), roottest.Regular("lib/x", "x")}, nil, "lib is a directory here, and none in package aa"},
		{"a device", []roottest.File{{Header: tar.Header{Name: "dev/x", Typeflag: tar.TypeChar}}}, nil, "no files of type '3'"},
		{"a name that some systems split", []roottest.File{roottest.Regular(`a\b`, "x")}, nil, "backslash"},
		{"file of another package", []roottest.File{roottest.Regular("taken", "x")}, nil, "taken: is in package"},
		{"file of a template", []roottest.File{roottest.Regular("etc/passwd", "x")}, func(b *spec.Base) {
			b.Files = []spec.BaseTemplate{{Template: "base/passwd", To: "/etc/passwd"}}
		}, "file etc/passwd: is in package aa too"},
		{"file of a bundle", []roottest.File{roottest.Regular("all", "x")}, func(b *spec.Base) {
			b.Bundles = []spec.Bundle{{Match: "tak*", To: "/all"}}
		}, "file all: is in package aa too"},
		{"bundle of nothing", nil, func(b *spec.Base) { b.Bundles = []spec.Bundle{{Match: "none*", To: "/all"}} }, `bundle /all: no file matches "none*"`},
		{"bundle of a link", []roottest.File{roottest.Symlink("none", "/etc/shadow")}, func(b *spec.Base) {
			b.Bundles = []spec.Bundle{{Match: "none*", To: "/all"}}
		}, `bundle /all: no file matches "none*"`},
		{"link of the base", []roottest.File{roottest.Regular("usr/sbin/iptables", "x")}, func(b *spec.Base) {
			b.Links = []spec.Symlink{{Path: "usr/sbin/iptables", To: "nft"}}
		}, "link usr/sbin/iptables: is in package aa too"},
		{"template that is not there", nil, func(b *spec.Base) { b.Files = []spec.BaseTemplate{{Template: "none", To: "/x"}} }, "template: open none"},
		{"its status", []roottest.File{roottest.Regular("var/lib/dpkg/status.d/aa", "x")}, nil, "status.d/aa: is in package aa too"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := roottest.NewPool(t)
			b := baseOf(p.Add(t, "aa", c.files...), p.Add(t, "other", roottest.Regular("taken", "x")))
			if c.change != nil {
				c.change(&b)
			}
			content, err := fetch(t, p, t.TempDir(), b, platformOf(t, "linux/amd64", "amd64"))
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				layer(t, content.Archive)
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "base files for linux/amd64: ") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestFetchOfOtherPackages(t *testing.T) {
	t.Parallel()
	p := roottest.NewPool(t)
	b := baseOf(p.AddFor(t, "aa", "amd64", roottest.Regular("x", "x")))
	if _, err := fetch(t, p, t.TempDir(), b, platformOf(t, "linux/arm64", "arm64")); err == nil || !strings.Contains(hint.Of(err), "image base lock files") {
		t.Errorf("got %v", err)
	}
	if _, err := fetch(t, p, t.TempDir(), b, platformOf(t, "linux/arm64", "")); err == nil {
		t.Error("a platform that Debian does not know has a base")
	}
	whole := p.Files["amd64/aa.deb"]
	p.Files["amd64/aa.deb"] = bytes.Replace(whole, []byte("./control"), []byte("./Control"), 1)
	if _, err := fetch(t, p, t.TempDir(), b, platformOf(t, "linux/amd64", "amd64")); !errors.Is(err, mirror.ErrOther) {
		t.Errorf("got %v", err)
	}
	delete(p.Files, "amd64/aa.deb")
	if _, err := fetch(t, p, t.TempDir(), b, platformOf(t, "linux/amd64", "amd64")); !errors.Is(err, mirror.ErrGone) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := imagebase.Fetch(ctx, imagebase.Options{Base: b, Platform: platformOf(t, "linux/amd64", "amd64"), CacheDir: t.TempDir(), Mirror: p.URL})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Modes of what is in the cache are not the archive's: people change them, and file systems lose them.
func TestModesOfTheArchive(t *testing.T) {
	t.Parallel()
	p := roottest.NewPool(t)
	content, err := fetch(t, p, t.TempDir(), baseOf(p.Add(t, "aa", roottest.Program("x", "x"), roottest.Dir("d"))), platformOf(t, "linux/amd64", "amd64"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range content.Archive.Files {
		if f.Mode&^fs.ModePerm != 0 || f.Mode&0o022 != 0 {
			t.Errorf("%s has mode %v", f.Name, f.Mode)
		}
	}
}

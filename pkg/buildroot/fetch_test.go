package buildroot_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"kubedist/pkg/buildroot"
	"kubedist/pkg/debroot/roottest"
	"kubedist/pkg/hint"
	"kubedist/pkg/mirror"
	"kubedist/pkg/progress"
	"kubedist/pkg/spec"
)

func onLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" || debianArch == "" {
		t.Skip("roots are for Linux")
	}
}

// A root is what the packages and the tool chain say, whatever the umask is, and is made once.
func TestFetch(t *testing.T) {
	onLinux(t)
	old := syscall.Umask(0o077) // that of the process: no t.Parallel here
	defer syscall.Umask(old)
	p, cache := roottest.NewPool(t), t.TempDir()
	tc := toolchain(
		p.Add(t, "gcc", roottest.Dir("./"), roottest.Dir("./usr/"), roottest.Dir("./usr/bin/"), roottest.Program("./usr/bin/gcc-10", "elf"), roottest.Symlink("./usr/bin/gcc", "gcc-10"),
			roottest.Hardlink("./usr/bin/cc-10", "./usr/bin/gcc-10"), roottest.Regular("./usr/share/man/man1/gcc.1", "manual"), roottest.Symlink("./usr/lib/abs", "/lib/x")),
		p.Add(t, "libc6", roottest.Dir("./usr/"), roottest.Dir("./usr/lib/"), roottest.Regular("usr/lib/libc.so", "GROUP"), roottest.Regular("./usr/lib/lto1", "lto")),
	)
	tc.Exclude = []spec.LeftOut{{Match: []string{"usr/share/man", "usr/lib/lto*"}, Why: "x"}}
	tc.Links = []spec.Symlink{{Path: "usr/bin/cc", To: "gcc"}, {Path: "lib/cpp", To: "../usr/bin/cpp"}}
	tc.Directories = []string{"usr/local/go", "usr/bin"}
	if _, err := buildroot.Open(tc, cache); !errors.Is(err, buildroot.ErrNotFetched) || !strings.Contains(hint.Of(err), "toolchain fetch test") {
		t.Errorf("got %v with the hint %q", err, hint.Of(err))
	}
	root, err := fetch(t, p, cache, tc)
	if err != nil {
		t.Fatal(err)
	}
	const want = `drwxr-xr-x . 
drwxr-xr-x lib 
Lrwxrwxrwx lib/cpp ../usr/bin/cpp
drwxr-xr-x usr 
drwxr-xr-x usr/bin 
Lrwxrwxrwx usr/bin/cc gcc
-rwxr-xr-x usr/bin/cc-10 "elf"
Lrwxrwxrwx usr/bin/gcc gcc-10
-rwxr-xr-x usr/bin/gcc-10 "elf"
drwxr-xr-x usr/lib 
Lrwxrwxrwx usr/lib/abs /lib/x
-rw-r--r-- usr/lib/libc.so "GROUP"
drwxr-xr-x usr/local 
drwxr-xr-x usr/local/go 
`
	if got := roottest.Listing(t, root.Dir()); got != want {
		t.Errorf("got\n%s", got)
	}
	if got := p.Requests(); !slices.Equal(got, []string{"gcc.deb", "libc6.deb"}) {
		t.Errorf("asked for %q", got)
	}
	p.Close()
	again, err := fetch(t, p, cache, tc)
	if err != nil || again.Dir() != root.Dir() {
		t.Errorf("got %v, %v without the mirror", again, err)
	}
	if opened, err := buildroot.Open(tc, cache); err != nil || opened.Dir() != root.Dir() {
		t.Errorf("got %v, %v", opened, err)
	}
	// Another tool chain of the same packages is made of what is there.
	tc.Links = nil
	if other, err := fetch(t, p, cache, tc); err != nil || other.Dir() == root.Dir() {
		t.Errorf("got %v, %v for another tool chain", other, err)
	}
}

// What was fetched is not fetched again, and nothing is left of a root that was not finished.
func TestFetchGoesOn(t *testing.T) {
	t.Parallel()
	onLinux(t)
	p, cache := roottest.NewPool(t), t.TempDir()
	aa, bb := p.Add(t, "aa", roottest.Regular("a", "a")), p.Add(t, "bb", roottest.Regular("b", "b"))
	if _, err := fetch(t, p, cache, toolchain(aa)); err != nil {
		t.Fatal(err)
	}
	p.Requests()
	tc := toolchain(aa, bb)
	data := p.Files["bb.deb"]
	delete(p.Files, "bb.deb")
	_, err := fetch(t, p, cache, tc)
	if !errors.Is(err, mirror.ErrGone) || !strings.Contains(err.Error(), "package bb 1") || !strings.Contains(hint.Of(err), "snapshot") {
		t.Errorf("got %v with the hint %q", err, hint.Of(err))
	}
	p.Files["bb.deb"] = bytes.Replace(data, []byte("./control"), []byte("./Control"), 1)
	if _, err := fetch(t, p, cache, tc); !errors.Is(err, mirror.ErrOther) || hint.Of(err) == "" {
		t.Errorf("got %v", err)
	}
	for _, pattern := range []string{"tmp-*", "debs/.kubedist-tmp-*"} {
		if left, err := filepath.Glob(filepath.Join(cache, "toolchains", pattern)); err != nil || len(left) > 0 {
			t.Errorf("left %q, %v", left, err)
		}
	}
	p.Files["bb.deb"] = data
	if _, err := fetch(t, p, cache, tc); err != nil {
		t.Fatal(err)
	}
	if got := p.Requests(); !slices.Equal(got, []string{"bb.deb", "bb.deb", "bb.deb"}) {
		t.Errorf("asked for %q", got)
	}
}

// A package that was damaged in the cache is found, and fetched again the next time.
func TestFetchOfDamagedCache(t *testing.T) {
	t.Parallel()
	onLinux(t)
	p, cache := roottest.NewPool(t), t.TempDir()
	l := p.Add(t, "aa", roottest.Regular("a", "text"))
	tc := toolchain(l)
	kept := filepath.Join(cache, "toolchains", "debs", l.SHA256+".deb")
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kept, bytes.Replace(p.Files["aa.deb"], []byte("text"), []byte("TEXT"), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	if root, err := fetch(t, p, cache, tc); err == nil || !strings.Contains(err.Error(), "not the package that is locked") || hint.Of(err) == "" {
		t.Errorf("got %v, %v", root, err)
	}
	root, err := fetch(t, p, cache, tc)
	if err != nil || !strings.Contains(roottest.Listing(t, root.Dir()), `"text"`) {
		t.Errorf("got %v, %v", root, err)
	}
}

// Two at the same time make one root.
func TestFetchTogether(t *testing.T) {
	t.Parallel()
	onLinux(t)
	p, cache := roottest.NewPool(t), t.TempDir()
	tc := toolchain(p.Add(t, "aa", roottest.Regular("a", "a")), p.Add(t, "bb", roottest.Regular("b", "b")))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := fetch(t, p, cache, tc); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := p.Requests(); len(got) != 2 {
		t.Errorf("asked for %q", got)
	}
}

func TestFetchStops(t *testing.T) {
	t.Parallel()
	onLinux(t)
	p, cache := roottest.NewPool(t), t.TempDir()
	tc := toolchain(p.Add(t, "aa", roottest.Regular("a", "a")))
	ctx, cancel := context.WithCancel(t.Context())
	handler := p.Config.Handler
	p.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cancel()
		handler.ServeHTTP(w, r)
	})
	var events recorder
	_, err := buildroot.Fetch(ctx, buildroot.Options{Toolchain: tc, CacheDir: cache, Mirror: p.URL, Reporter: &events})
	if !errors.Is(err, context.Canceled) || events.last().Kind != progress.Stopped {
		t.Errorf("got %v, last event %+v", err, events.last())
	}
}

func TestFetchWithoutMirror(t *testing.T) {
	t.Parallel()
	onLinux(t)
	tc := toolchain(roottest.NewPool(t).Add(t, "aa", roottest.Regular("a", "a")))
	_, err := buildroot.Fetch(t.Context(), buildroot.Options{Toolchain: tc, CacheDir: t.TempDir(), Config: t.TempDir()})
	if !errors.Is(err, mirror.ErrNone) || !strings.Contains(hint.Of(err), "--debian-mirror") {
		t.Errorf("got %v", err)
	}
}

// A root is one of the packages together: what two of them have is a mistake, and nothing leaves the root.
func TestFetchRefuses(t *testing.T) {
	t.Parallel()
	onLinux(t)
	for _, c := range []struct {
		name   string
		first  []roottest.File
		second []roottest.File
		links  []spec.Symlink
		want   string // "" when it is fine
	}{
		{name: "a directory of both", first: []roottest.File{roottest.Dir("usr")}, second: []roottest.File{roottest.Dir("usr")}},
		{name: "above the root", first: []roottest.File{roottest.Regular("../../x", "x")}}, // lands inside
		{name: "a file of both", first: []roottest.File{roottest.Regular("x", "x")}, second: []roottest.File{roottest.Regular("x", "x")}, want: "x: is in package"},
		{name: "a file twice", first: []roottest.File{roottest.Regular("x", "x"), roottest.Regular("./x", "y")}, want: "x: is in package aa too"},
		{name: "file and directory", first: []roottest.File{roottest.Regular("x", "x")}, second: []roottest.File{roottest.Regular("x/y", "x")}, want: "x"},
		{name: "link and directory", first: []roottest.File{roottest.Symlink("x", "/etc")}, second: []roottest.File{roottest.Dir("x")}, want: "x"},
		{name: "through a link", first: []roottest.File{roottest.Symlink("x", "/etc"), roottest.Regular("x/y", "x")}, want: "x/y: x is a directory here, and none in package aa"},
		{name: "through a link that leads out", first: []roottest.File{roottest.Symlink("x", "../.."), roottest.Regular("x/y", "x")}, want: "x/y: x is a directory here"},
		{name: "link over a file", first: []roottest.File{roottest.Regular("x", "x"), roottest.Symlink("x", "y")}, want: "x: is in package"},
		{name: "hard link to nothing", first: []roottest.File{roottest.Hardlink("x", "/etc/passwd")}, want: `x: is another name of "etc/passwd"`},
		{name: "hard link to a link", first: []roottest.File{roottest.Symlink("l", "/etc/passwd"), roottest.Hardlink("x", "l")}, want: `x: is another name of "l"`},
		{name: "hard link to a directory", first: []roottest.File{roottest.Dir("d"), roottest.Hardlink("x", "d")}, want: `x: is another name of "d"`},
		{name: "a device", first: []roottest.File{{Header: tar.Header{Name: "x", Typeflag: tar.TypeChar}}}, want: "x: a root has no files of type '3'"},
		{name: "a pipe", first: []roottest.File{{Header: tar.Header{Name: "x", Typeflag: tar.TypeFifo}}}, want: "x: a root has no files of type '6'"},
		{name: "the root as a file", first: []roottest.File{roottest.Regular(".", "x")}, want: "no path that a file can have"},
		{name: "link of the tool chain", first: []roottest.File{roottest.Regular("usr/bin/cc", "x")}, links: []spec.Symlink{{Path: "usr/bin/cc", To: "gcc"}}, want: "link usr/bin/cc: is in package aa too"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, cache := roottest.NewPool(t), t.TempDir()
			tc := toolchain(p.Add(t, "aa", c.first...), p.Add(t, "bb", c.second...))
			tc.Links = c.links
			root, err := fetch(t, p, cache, tc)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "tool chain test: ") {
				t.Errorf("got %v, %v", root, err)
			}
		})
	}
}

// A package that is another one than the lock says is not unpacked for it.
func TestFetchOfAnotherPackage(t *testing.T) {
	t.Parallel()
	onLinux(t)
	p := roottest.NewPool(t)
	l := p.Add(t, "aa", roottest.Regular("a", "a"))
	l.Version = "2"
	if _, err := fetch(t, p, t.TempDir(), toolchain(l)); err == nil || !strings.Contains(err.Error(), "aa_1_all.deb, not aa 2 for all") {
		t.Errorf("got %v", err)
	}
}

// recorder keeps events.
type recorder struct {
	mu     sync.Mutex
	events []progress.Event
}

func (r *recorder) Report(e progress.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func (r *recorder) last() progress.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events[len(r.events)-1]
}

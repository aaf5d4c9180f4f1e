package source

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kubedist/pkg/gocmd"
	"kubedist/pkg/hint"
)

func mustOpen(t *testing.T, o Options) *Tree {
	t.Helper()
	tree, err := Open(t.Context(), o)
	if err != nil {
		t.Fatalf("%v\nhint: %s", err, hint.Of(err))
	}
	return tree
}

// trees lists the complete and the unfinished trees of a cache.
func trees(t *testing.T, o Options) (complete, unfinished []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(o.CacheDir, "trees"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, entry := range entries {
		switch {
		case strings.HasPrefix(entry.Name(), "tmp-"):
			unfinished = append(unfinished, entry.Name())
		case entry.Name() != "requests":
			complete = append(complete, entry.Name())
		}
	}
	return complete, unfinished
}

// inTree runs the go command in a tree without any network.
func inTree(t *testing.T, o Options, tree *Tree, args ...string) (string, error) {
	t.Helper()
	g, err := gocmd.New(t.Context(), gocmd.Options{Toolchain: gocmd.Local, Environ: append(o.Environ, "GOPROXY=off")})
	if err != nil {
		t.Fatal(err)
	}
	out, err := g.Output(t.Context(), gocmd.Command{Dir: tree.Dir, Args: args, Env: tree.Env()})
	return string(out), err
}

func TestOpenPutsTheWorkspaceTogether(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	o := p.options(t)
	tree := mustOpen(t, o)

	committed, _ := time.Parse(time.RFC3339, moduleTime)
	want := Stamp{Version: servedVersion, TreeState: StateArchive, BuildDate: committed, CommitTime: committed}
	if tree.Stamp != want {
		t.Errorf("stamp %+v, want %+v", tree.Stamp, want)
	}
	if tree.Name != "kubernetes" || tree.Module != "k8s.io/kubernetes" || tree.GoVersion != "1.26.5" || tree.Origin != OriginProxy || tree.Toolchain != "local" {
		t.Errorf("tree %+v", tree)
	}
	if len(tree.Sums) != 7 || !slices.IsSortedFunc(tree.Sums, func(a, b Sum) int { return strings.Compare(a.Module, b.Module) }) {
		t.Errorf("sums %v", tree.Sums)
	}
	for _, sum := range tree.Sums {
		if !strings.HasPrefix(sum.Sum, "h1:") || (sum.Version != "v0.36.3" && sum.Module != "k8s.io/kubernetes") {
			t.Errorf("sum %+v", sum)
		}
	}
	for _, name := range []string{"go.work", "go.mod"} {
		text, err := os.ReadFile(filepath.Join(tree.Dir, name))
		if err != nil || strings.Contains(string(text), "sample-cli-plugin") {
			t.Errorf("%s, %v:\n%s", name, err, text)
		}
	}
	for _, name := range []string{"vendor/modules.txt", "vendor/example.org/leaf/leaf.go", "staging/src/k8s.io/kubectl/pkg/cmd/cmd.go"} {
		info, err := os.Stat(filepath.Join(tree.Dir, name))
		if err != nil || info.Mode().Perm()&0o600 != 0o600 {
			t.Errorf("%s: %v", name, err)
		}
	}
	staging, err := StagingModules(tree)
	if err != nil || len(staging) != 6 || staging[0] != (StagingModule{"k8s.io/apiextensions-apiserver", "staging/src/k8s.io/apiextensions-apiserver"}) {
		t.Errorf("staging modules %v, %v", staging, err)
	}
	// The tree compiles with nothing but itself.
	out, err := inTree(t, o, tree, "list", "-deps", "./cmd/kubeadm", "./cmd/kubelet", "./cmd/kubectl", "./cmd/genman")
	if err != nil || !strings.Contains(out, "example.org/leaf") {
		t.Errorf("listing: %v\n%s", err, out)
	}
	if complete, unfinished := trees(t, o); !slices.Equal(complete, []string{tree.Digest}) || len(unfinished) > 0 {
		t.Errorf("cache holds %v and %v", complete, unfinished)
	}
}

// A tree that was opened before needs no network and no go command, and the options that make no other tree apply.
func TestOpenAgain(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	o := p.options(t)
	first := mustOpen(t, o)
	p.Close()
	o.GoCommand = "/nowhere/go"
	if again := mustOpen(t, o); !reflect.DeepEqual(again, first) {
		t.Errorf("again %+v, first %+v", again, first)
	}
	o.Commit, o.BuildDate = strings.Repeat("0a", 20), time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600))
	stamped := mustOpen(t, o)
	want := Stamp{
		Version: servedVersion, Commit: o.Commit, TreeState: StateClean,
		BuildDate: time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC), CommitTime: first.Stamp.CommitTime,
	}
	if stamped.Stamp != want || stamped.Digest != first.Digest || stamped.Dir != first.Dir {
		t.Errorf("stamped %+v", stamped)
	}
	moved := o
	moved.CacheDir = filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Rename(o.CacheDir, moved.CacheDir); err != nil {
		t.Fatal(err)
	}
	if tree := mustOpen(t, moved); tree.Digest != first.Digest || tree.Dir == first.Dir {
		t.Errorf("after moving the cache %+v", tree)
	}
}

func TestSameTreeEverywhere(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	a, b := mustOpen(t, p.options(t)), mustOpen(t, p.options(t))
	if a.Digest != b.Digest || digestOf(t, a.Dir) != digestOf(t, b.Dir) {
		t.Errorf("%s and %s differ", a.Dir, b.Dir)
	}
	o := p.options(t)
	o.GoVersion = "1.26.4"
	if c := mustOpen(t, o); c.Digest == a.Digest || c.GoVersion != "1.26.4" {
		t.Errorf("another Go release, the same digest: %+v", c)
	}
}

func TestOpenTogether(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	o := p.options(t)
	const openers = 4
	opened := make([]*Tree, openers)
	errs := make([]error, openers)
	var wg sync.WaitGroup
	for i := range openers {
		wg.Go(func() { opened[i], errs[i] = Open(t.Context(), o) })
	}
	wg.Wait()
	for i := range openers {
		if errs[i] != nil || !reflect.DeepEqual(opened[i], opened[0]) {
			t.Errorf("opener %d: %+v, %v", i, opened[i], errs[i])
		}
	}
	if n := p.served("/k8s.io/kubernetes/@v/" + servedVersion + ".zip"); n != 1 {
		t.Errorf("the tree was fetched %d times", n)
	}
	if complete, unfinished := trees(t, o); len(complete) != 1 || len(unfinished) > 0 {
		t.Errorf("cache holds %v and %v", complete, unfinished)
	}
}

// A run that ends in the middle leaves nothing, and what a killed one left is cleared away by the next.
func TestOpenInterrupted(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	o := p.options(t)
	ctx, cancel := context.WithCancel(t.Context())
	p.onGet = func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/kubectl/@v/v0.36.3.zip") {
			cancel()
			<-r.Context().Done() // until the go command is gone
		}
	}
	if _, err := Open(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if complete, unfinished := trees(t, o); len(complete)+len(unfinished) > 0 {
		t.Errorf("cache holds %v and %v", complete, unfinished)
	}
	p.mu.Lock()
	p.onGet = nil
	p.mu.Unlock()

	_, key := o.request()
	killed := filepath.Join(o.CacheDir, "trees", "tmp-"+key+"-1")
	other := filepath.Join(o.CacheDir, "trees", "tmp-0123456789abcdef-1")
	writeFiles(t, killed, map[string]string{"tree/go.mod": "module half\n"})
	writeFiles(t, other, map[string]string{"tree/go.mod": "module half\n"})
	tree := mustOpen(t, o)
	complete, unfinished := trees(t, o)
	if !slices.Equal(complete, []string{tree.Digest}) || !slices.Equal(unfinished, []string{filepath.Base(other)}) {
		t.Errorf("cache holds %v and %v", complete, unfinished)
	}
}

// A damaged or missing entry of the cache is made again.
func TestOpenRepairs(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	o := p.options(t)
	first := mustOpen(t, o)
	name, _ := o.request()
	entry := filepath.Join(o.CacheDir, "trees", "requests", name+".json")
	for _, damage := range []func() error{
		func() error { return os.Truncate(entry, 10) },
		func() error { return os.Remove(entry) },
		func() error { return os.RemoveAll(first.Dir) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		if tree := mustOpen(t, o); !reflect.DeepEqual(tree, first) {
			t.Errorf("repaired %+v, first %+v", tree, first)
		}
	}
}

func TestOpenModuleInPlace(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	o := p.options(t)
	o.Module, o.Version, o.Name, o.GoVersion, o.SkipStaging = "github.com/containernetworking/plugins", "v1.9.1", "cni", "1.26.1", nil
	tree := mustOpen(t, o)
	if tree.Name != "cni" || tree.GoVersion != "1.26.1" || len(tree.Sums) != 1 || !strings.HasSuffix(tree.Dir, filepath.FromSlash("mod/github.com/containernetworking/plugins@v1.9.1")) {
		t.Errorf("tree %+v", tree)
	}
	if got := tree.Env(); !slices.Equal(got, []string{"GOWORK=off"}) {
		t.Errorf("environment %v", got)
	}
	if _, err := inTree(t, o, tree, "list", "-deps", "./plugins/..."); err != nil {
		t.Error(err)
	}
	if staging, err := StagingModules(tree); len(staging) > 0 || err != nil {
		t.Errorf("staging modules %v, %v", staging, err)
	}
}

func TestOpenModuleErrors(t *testing.T) {
	t.Parallel()
	whole := newProxy(t)
	changed := newProxy(t) // its checksum database knows other files than it serves
	good, _ := changed.sums("k8s.io/apimachinery", "v0.36.3")
	base := "/k8s.io/apimachinery/@v/v0.36.3"
	changed.files[base+".zip"] = changed.files["/k8s.io/client-go/@v/v0.36.3.zip"]
	changed.files[base+".mod"] = append(changed.files[base+".mod"], "// changed\n"...)
	signed := whole.options(t).Environ

	for _, c := range []struct {
		name   string
		proxy  *proxy
		change func(o *Options)
		want   string
		is     error
		hint   string
	}{
		{"unknown version", whole, func(o *Options) { o.Version = "v1.36.99" },
			"no such version; the nearest ones are v1.36.3, v1.36.4", ErrUnknownVersion, "name one of these"},
		{"unknown minor", whole, func(o *Options) { o.Version = "v1.99.0" },
			"k8s.io/kubernetes v1.99.0: no such version; the nearest ones are v1.36.3", ErrUnknownVersion, "name one of these"},
		{"unknown module", whole, func(o *Options) { o.Module = "k8s.io/kubernetse" },
			"k8s.io/kubernetse@v1.36.3", ErrUnknownVersion, "check module, version and GOPROXY"},
		{"no version", whole, func(o *Options) { o.Version = "" }, "not a version", ErrNotVersion, "--source DIR"},
		{"short version", whole, func(o *Options) { o.Version = "v1.36" }, "not a version", ErrNotVersion, "v1.36.3"},
		{"version without v", whole, func(o *Options) { o.Version = "1.36.3" }, `version "1.36.3"`, ErrNotVersion, "v1.36.3"},
		{"branch", whole, func(o *Options) { o.Version = "master" }, `version "master"`, ErrNotVersion, "v1.36.3"},
		{"path", whole, func(o *Options) { o.Version, o.GoCommand = "../../x", "/nowhere/go" }, `version "../../x"`, ErrNotVersion, "v1.36.3"},
		{"build metadata", whole, func(o *Options) { o.Version = "v1.36.3+mine" }, `version "v1.36.3+mine"`, ErrNotVersion, "v1.36.3"},
		{"bad module", whole, func(o *Options) { o.Module = "../x" }, "module of the source", nil, ""},
		{"bad commit", whole, func(o *Options) { o.Commit = "f28b4c9" }, "f28b4c9", nil, "40 hex digits"},
		{"no staging modules", whole, func(o *Options) { o.Version = unstagedVersion },
			"staging modules not served by the module proxy: k8s.io/apiextensions-apiserver@v0.36.4, k8s.io/apimachinery@v0.36.4", nil, "under skip of its source"},
		{"staging module not skipped", whole, func(o *Options) { o.SkipStaging = nil },
			"not served by the module proxy: k8s.io/sample-cli-plugin@v0.36.3", nil, "under skip of its source"},
		{"no network", whole, func(o *Options) { o.Environ = append(o.Environ, "GOPROXY=http://127.0.0.1:1") },
			"connection refused", nil, "check the network"},
		{"proxy off", whole, func(o *Options) { o.Environ = append(o.Environ, "GOPROXY=off") }, "GOPROXY=off", nil, "set GOPROXY"},
		{"changed module", changed, func(o *Options) {
			// The database of the whole proxy has the true sums.
			for _, entry := range signed {
				if strings.HasPrefix(entry, "GOSUMDB=") {
					o.Environ = append(o.Environ, entry)
				}
			}
		}, "SECURITY ERROR", nil, "do not build this"},
		{"toolchain that is not there", whole, func(o *Options) { o.GoVersion, o.Toolchain = "1.99.1", "" }, "go1.99.1", nil, "--toolchain local"},
		{"pinned nonsense", whole, func(o *Options) { o.GoVersion = "latest" }, `"latest" is no Go release`, nil, "1.26.5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := c.proxy.options(t)
			c.change(&o)
			_, err := Open(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want %q", err, c.want)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("error %v is not %v", err, c.is)
			}
			if got := hint.Of(err); !strings.Contains(got, c.hint) {
				t.Errorf("hint %q, want %q", got, c.hint)
			}
			if complete, unfinished := trees(t, o); len(complete)+len(unfinished) > 0 {
				t.Errorf("cache holds %v and %v", complete, unfinished)
			}
		})
	}
	if now, _ := changed.sums("k8s.io/apimachinery", "v0.36.3"); string(now) == string(good) {
		t.Error("the changed proxy serves the true files")
	}
}

// A proxy may be a directory or a plain web server, which have no list of versions and words of their own for a file
// that is not there.
func TestUnknownVersionWithoutList(t *testing.T) {
	t.Parallel()
	answers := func(status string) string {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			// net/http writes the standard words only.
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 "+status+"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
				_ = conn.Close()
			}
		})}
		go func() { _ = server.Serve(listener) }()
		t.Cleanup(func() { _ = server.Close() })
		return "http://" + listener.Addr().String()
	}
	for _, c := range []struct {
		name, proxy string
		unknown     bool
		hint        string
	}{
		{"directory", "file://" + t.TempDir(), true, "check module, version and GOPROXY"},
		{"plain server", answers("404 File not found"), true, "check module, version and GOPROXY"},
		{"gone", answers("410 It is gone"), true, "check module, version and GOPROXY"},
		{"refused", answers("403 Forbidden"), false, "the credentials"},
		{"broken", answers("500 Internal Server Error"), false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			writeFiles(t, home, map[string]string{".config/go/telemetry/mode": "off"})
			_, err := Open(t.Context(), Options{
				Module: "k8s.io/kubernetes", Version: servedVersion, CacheDir: filepath.Join(home, "cache"), Toolchain: "local",
				Environ: []string{
					"HOME=" + home, "PATH=" + os.Getenv("PATH"), "GOPROXY=" + c.proxy, "GOSUMDB=off", "NO_PROXY=127.0.0.1",
					"GOMODCACHE=" + filepath.Join(home, "mod"), "GOCACHE=" + filepath.Join(home, "build"),
				},
			})
			if err == nil || errors.Is(err, ErrUnknownVersion) != c.unknown || !strings.Contains(hint.Of(err), c.hint) {
				t.Errorf("error %v, hint %q", err, hint.Of(err))
			}
		})
	}
}

// A zip that changed in the module cache after it was verified does not get into a tree.
func TestOpenDamagedModuleCache(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	o := p.options(t)
	first := mustOpen(t, o)
	if err := os.RemoveAll(o.CacheDir); err != nil {
		t.Fatal(err)
	}
	mod := ""
	for _, entry := range o.Environ {
		if dir, ok := strings.CutPrefix(entry, "GOMODCACHE="); ok {
			mod = dir
		}
	}
	zip := filepath.Join(mod, "cache/download/k8s.io/client-go/@v/v0.36.3.zip")
	if err := os.WriteFile(zip, p.files["/k8s.io/kubectl/@v/v0.36.3.zip"], 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "checksum mismatch of k8s.io/client-go@v0.36.3") || !strings.Contains(hint.Of(err), "clean -modcache") {
		t.Errorf("error %v, hint %q", err, hint.Of(err))
	}
	if complete, unfinished := trees(t, o); len(complete)+len(unfinished) > 0 {
		t.Errorf("cache holds %v and %v, first was %s", complete, unfinished, first.Digest)
	}
}

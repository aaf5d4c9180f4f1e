package source

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/sumdb/note"
	modzip "golang.org/x/mod/zip"
)

// moduleTime is the commit time of every module that the proxy of the tests serves.
const moduleTime = "2026-07-22T18:07:38Z"

// proxy is a module proxy with a checksum database, both on the loopback interface, that serve the small workspace
// the way the real ones serve Kubernetes: the main module without its staging modules, those under versions of their
// own, and one module from elsewhere that kubeadm needs.
type proxy struct {
	*httptest.Server
	sumdb string // GOSUMDB that trusts the checksum database
	files map[string][]byte

	mu       sync.Mutex
	requests map[string]int
	onGet    func(r *http.Request) // called before each answer
}

// Versions in the proxy. The first is whole; of the second only the main module is there.
const (
	servedVersion   = "v1.36.3"
	unstagedVersion = "v1.36.4"
)

func newProxy(t *testing.T) *proxy {
	t.Helper()
	p := &proxy{files: map[string][]byte{}, requests: map[string]int{}}
	leaf := t.TempDir()
	writeFiles(t, leaf, map[string]string{
		"go.mod":  "module example.org/leaf\n\ngo 1.26.0\n",
		"leaf.go": "// Package leaf is what the workspace has from elsewhere.\npackage leaf\n\nconst Name = \"leaf\"\n",
	})
	sums := p.add(t, leaf, "example.org/leaf", "v1.0.0")

	tree := t.TempDir()
	if err := os.CopyFS(tree, os.DirFS("testdata/kubernetes")); err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join(tree, "go.mod"), "require (\n", "require (\n\texample.org/leaf v1.0.0\n")
	writeFiles(t, tree, map[string]string{
		"go.sum":                   sums,
		"cmd/kubeadm/app/leaf.go":  "package app\n\nimport _ \"example.org/leaf\"\n",
		"hack/tools/go.mod":        "module k8s.io/kubernetes/hack/tools\n",
		"hack/tools/not_served.go": "package tools\n",
	})
	p.add(t, tree, "k8s.io/kubernetes", servedVersion)
	p.add(t, tree, "k8s.io/kubernetes", unstagedVersion)
	staging, err := filepath.Glob(filepath.Join(tree, "staging/src/k8s.io/*"))
	if err != nil || len(staging) == 0 {
		t.Fatal(staging, err)
	}
	for _, dir := range staging {
		name := filepath.Base(dir)
		if name == "sample-cli-plugin" {
			continue // published nowhere, as some of the real ones are
		}
		mod, err := readMod(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range mod.Require {
			if err := mod.AddRequire(r.Mod.Path, "v0.36.3"); err != nil {
				t.Fatal(err)
			}
		}
		for len(mod.Replace) > 0 {
			if err := mod.DropReplace(mod.Replace[0].Old.Path, ""); err != nil {
				t.Fatal(err)
			}
			mod.Cleanup()
		}
		text, err := mod.Format()
		if err != nil {
			t.Fatal(err)
		}
		writeFiles(t, dir, map[string]string{"go.mod": string(text)})
		p.add(t, dir, "k8s.io/"+name, "v0.36.3")
	}
	plugins, err := filepath.Abs("testdata/cni-plugins")
	if err != nil {
		t.Fatal(err)
	}
	p.add(t, plugins, "github.com/containernetworking/plugins", "v1.9.1")
	p.start(t)
	return p
}

// add serves the files of a directory as a version of a module. It returns the module's lines of go.sum.
func (p *proxy) add(t *testing.T, dir, modulePath, version string) string {
	t.Helper()
	m := module.Version{Path: modulePath, Version: version}
	var zip bytes.Buffer
	if err := modzip.CreateFromDir(&zip, m, dir); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	base := "/" + modulePath + "/@v/"
	p.files[base+version+".info"] = fmt.Appendf(nil, `{"Version":%q,"Time":%q}`, version, moduleTime)
	p.files[base+version+".mod"] = mod
	p.files[base+version+".zip"] = zip.Bytes()
	p.files[base+"list"] = append(p.files[base+"list"], version+"\n"...)
	sums, err := p.sums(modulePath, version)
	if err != nil {
		t.Fatal(err)
	}
	return string(sums)
}

// sums returns what the checksum database says of a version: the sums of what is served now.
func (p *proxy) sums(modulePath, version string) ([]byte, error) {
	base := "/" + modulePath + "/@v/" + version
	zip, ok := p.files[base+".zip"]
	if !ok {
		return nil, os.ErrNotExist
	}
	name, err := os.CreateTemp("", "kubedist-zip-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(name.Name())
	defer name.Close()
	if _, err := name.Write(zip); err != nil {
		return nil, err
	}
	whole, err := dirhash.HashZip(name.Name(), dirhash.Hash1)
	if err != nil {
		return nil, err
	}
	mod, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(p.files[base+".mod"])), nil
	})
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%s %s %s\n%s %s/go.mod %s\n", modulePath, version, whole, modulePath, version, mod), nil
}

func (p *proxy) start(t *testing.T) {
	t.Helper()
	signer, verifier, err := note.GenerateKey(nil, "sum.example.org")
	if err != nil {
		t.Fatal(err)
	}
	database := sumdb.NewServer(sumdb.NewTestServer(signer, p.sums))
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if below, ok := strings.CutPrefix(r.URL.Path, "/sum"); ok {
			r.URL.Path = below
			database.ServeHTTP(w, r)
			return
		}
		p.mu.Lock()
		p.requests[r.URL.Path]++
		onGet := p.onGet
		p.mu.Unlock()
		if onGet != nil {
			onGet(r)
		}
		data, ok := p.files[r.URL.Path]
		if !ok {
			http.Error(w, "not found: "+path.Base(r.URL.Path), http.StatusNotFound)
			return
		}
		_, _ = w.Write(data)
	}))
	t.Cleanup(p.Close)
	p.sumdb = verifier + " " + p.URL + "/sum"
}

// served returns how often a path was asked for.
func (p *proxy) served(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests[path]
}

// options are those of a user with empty caches who fetches from p.
func (p *proxy) options(t *testing.T) Options {
	t.Helper()
	home := t.TempDir()
	// Go's telemetry outlives the go command and would write into the directory while the test removes it.
	writeFiles(t, home, map[string]string{".config/go/telemetry/mode": "off"})
	t.Cleanup(func() { // the go command makes its module cache read-only
		_ = filepath.WalkDir(home, func(name string, entry os.DirEntry, _ error) error {
			if entry != nil && entry.IsDir() {
				_ = os.Chmod(name, 0o755)
			}
			return nil
		})
	})
	return Options{
		Module: "k8s.io/kubernetes", Version: servedVersion, CacheDir: filepath.Join(home, "cache"),
		SkipStaging: []string{"k8s.io/sample-cli-plugin"}, Toolchain: "local",
		Environ: []string{
			"HOME=" + home, "PATH=" + os.Getenv("PATH"), "GOPROXY=" + p.URL, "GOSUMDB=" + p.sumdb,
			"GOMODCACHE=" + filepath.Join(home, "mod"), "GOCACHE=" + filepath.Join(home, "build"), "NO_PROXY=127.0.0.1",
		},
	}
}

// writeFiles writes files below dir, making directories.
func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// edit replaces one piece of a file by another.
func edit(t *testing.T, name, from, to string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte(from)) {
		t.Fatalf("%s has no %q", name, from)
	}
	if err := os.WriteFile(name, bytes.Replace(data, []byte(from), []byte(to), 1), 0o644); err != nil {
		t.Fatal(err)
	}
}

// smallTree copies the small workspace to a directory of the test's own.
func smallTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/kubernetes")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// digestOf is contentDigest for tests.
func digestOf(t *testing.T, dir string) string {
	t.Helper()
	sum, err := contentDigest(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

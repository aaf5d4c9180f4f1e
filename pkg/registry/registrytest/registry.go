package registrytest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Registry is a registry in memory. Unlike the one of the library it knows for each blob which repositories have it, and
// mounts blobs from one into another.
type Registry struct {
	Host string // 127.0.0.1:PORT

	mu       sync.Mutex
	blobs    map[string][]byte // REPOSITORY@DIGEST
	requests []string
	fault    Fault
	handler  http.Handler
}

// Fault may answer a request in place of the registry, and then returns true. The request is the n-th since the fault was
// set, counted from zero.
type Fault func(w http.ResponseWriter, r *http.Request, n int) bool

// Start starts a registry that ends with the test.
func Start(t testing.TB) *Registry {
	t.Helper()
	r := &Registry{blobs: map[string][]byte{}}
	r.handler = registry.New(registry.WithBlobHandler(r), registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.Host = strings.TrimPrefix(server.URL, "http://")
	return r
}

// Push pushes an image or an index as REPOSITORY:TAG, and returns its digest.
func (r *Registry) Push(t testing.TB, reference string, what remote.Taggable) v1.Hash {
	t.Helper()
	tag, err := name.NewTag(r.Host + "/" + reference)
	if err == nil {
		err = remote.Push(tag, what)
	}
	if err != nil {
		t.Fatal(err)
	}
	raw, err := what.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	digest, _, err := v1.SHA256(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// Fail sets a fault for all requests to come, nil for none, and forgets the requests there were.
func (r *Registry) Fail(f Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault, r.requests = f, nil
}

// Requests lists the requests since the last Fail, as METHOD PATH.
func (r *Registry) Requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.requests...)
}

// ServeHTTP implements http.Handler.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	fault, n := r.fault, len(r.requests)
	r.requests = append(r.requests, req.Method+" "+req.URL.Path)
	r.mu.Unlock()
	if fault != nil && fault(w, req, n) {
		return
	}
	if digest := req.URL.Query().Get("mount"); digest != "" && r.mount(req, digest) {
		w.WriteHeader(http.StatusCreated)
		return
	}
	r.handler.ServeHTTP(w, req)
}

func (r *Registry) mount(req *http.Request, digest string) bool {
	to := strings.TrimSuffix(strings.TrimPrefix(req.URL.Path, "/v2/"), "/blobs/uploads/")
	r.mu.Lock()
	defer r.mu.Unlock()
	content, ok := r.blobs[req.URL.Query().Get("from")+"@"+digest]
	if ok {
		r.blobs[to+"@"+digest] = content
	}
	return ok
}

// Get implements the library's BlobHandler, Stat and Put its extensions.
func (r *Registry) Get(_ context.Context, repo string, h v1.Hash) (io.ReadCloser, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	content, ok := r.blobs[repo+"@"+h.String()]
	if !ok {
		return nil, registry.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

// Stat tells the size of a blob.
func (r *Registry) Stat(_ context.Context, repo string, h v1.Hash) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	content, ok := r.blobs[repo+"@"+h.String()]
	if !ok {
		return 0, registry.ErrNotFound
	}
	return int64(len(content)), nil
}

// Put stores a blob, whose digest the library checks while it is read.
func (r *Registry) Put(_ context.Context, repo string, h v1.Hash, body io.ReadCloser) error {
	content, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	// The library takes the end of an upload for a repository called REPOSITORY/blobs.
	r.blobs[strings.TrimSuffix(repo, "/blobs")+"@"+h.String()] = content
	return nil
}

// Forget removes a blob from a repository.
func (r *Registry) Forget(repo string, h v1.Hash) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.blobs, repo+"@"+h.String())
}

// Tags walks the whole registry and returns what each tag points at, by REPOSITORY:TAG. A tag behind which anything is
// missing is an error. Faults do not concern it.
func (r *Registry) Tags() (map[string]v1.Hash, error) {
	tags := map[string]v1.Hash{}
	var catalog struct {
		Repositories []string `json:"repositories"`
	}
	if err := r.fetch("/v2/_catalog", &catalog); err != nil {
		return nil, err
	}
	for _, repo := range catalog.Repositories {
		var list struct {
			Tags []string `json:"tags"`
		}
		if err := r.fetch(path.Join("/v2", repo, "tags/list"), &list); err != nil {
			return nil, err
		}
		for _, tag := range list.Tags {
			digest, err := r.walk(repo, tag)
			if err != nil {
				return nil, fmt.Errorf("%s:%s: %w", repo, tag, err)
			}
			tags[repo+":"+tag] = digest
		}
	}
	return tags, nil
}

// walk looks at all below a manifest.
func (r *Registry) walk(repo, reference string) (v1.Hash, error) {
	var m struct {
		Manifests []v1.Descriptor `json:"manifests"`
		Config    *v1.Descriptor  `json:"config"`
		Layers    []v1.Descriptor `json:"layers"`
	}
	at := path.Join("/v2", repo, "manifests", reference)
	if err := r.fetch(at, &m); err != nil {
		return v1.Hash{}, err
	}
	for _, child := range m.Manifests {
		if _, err := r.walk(repo, child.Digest.String()); err != nil {
			return v1.Hash{}, err
		}
	}
	blobs := m.Layers
	if m.Config != nil {
		blobs = append(blobs, *m.Config)
	}
	for _, b := range blobs {
		if _, err := r.Stat(context.Background(), repo, b.Digest); err != nil {
			return v1.Hash{}, fmt.Errorf("blob %s: %w", b.Digest, err)
		}
	}
	return v1.NewHash(r.ask(at).Header().Get("Docker-Content-Digest"))
}

func (r *Registry) fetch(at string, into any) error {
	answer := r.ask(at)
	if answer.Code != http.StatusOK {
		return fmt.Errorf("%s: %d", at, answer.Code)
	}
	return json.Unmarshal(answer.Body.Bytes(), into)
}

func (r *Registry) ask(at string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	r.handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, at, nil))
	return answer
}

// Blobs is the digests of all blobs.
func (r *Registry) Blobs() map[v1.Hash]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := map[v1.Hash]bool{}
	for key := range r.blobs {
		_, digest, _ := strings.Cut(key, "@")
		if h, err := v1.NewHash(digest); err == nil {
			all[h] = true
		}
	}
	return all
}

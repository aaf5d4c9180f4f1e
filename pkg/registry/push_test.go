package registry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"kubedist/pkg/hint"
	"kubedist/pkg/ocilayout"
	"kubedist/pkg/registry"
	"kubedist/pkg/registry/registrytest"
)

// once makes each request once, so that faults show at once.
var once = remote.Backoff{Duration: time.Millisecond, Steps: 1}

// platforms of the images under test.
var platforms = []string{"linux/amd64", "linux/arm/v7", "linux/arm64"}

// images is a layout of two lists that share a layer, and an image that is no list.
func images(t testing.TB) string {
	t.Helper()
	base := registrytest.Layer(t, "etc/passwd", []byte("root:x:0:0:root:/:/bin/false\n"))
	list := func(program string) mutate.Appendable {
		index := registrytest.Index(t)
		for _, p := range platforms {
			image := registrytest.Image(t, p, base, registrytest.Layer(t, program, []byte(program+" for "+p)))
			index = registrytest.Index(t, append(manifests(t, index), image)...)
		}
		return index
	}
	return registrytest.Layout(t, map[string]mutate.Appendable{
		"registry.k8s.io/coredns/coredns:v1.14.2":  list("coredns"),
		"registry.k8s.io/kube-proxy:v1.36.3":       list("kube-proxy"),
		"registry.k8s.io/single/image:v1.0.0-rc.1": registrytest.Image(t, "linux/amd64", base),
	})
}

func newClient(t testing.TB, o registry.Options) *registry.Client {
	t.Helper()
	c, err := registry.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// push pushes a layout with new connections.
func push(ctx context.Context, t testing.TB, dir, to string, o registry.PushOptions) (*registry.Result, error) {
	t.Helper()
	c := newClient(t, registry.Options{Backoff: once})
	l, err := registry.OpenLayout(dir)
	if err != nil {
		return nil, err
	}
	o.Layout = l
	if o.To, err = c.Destination(to); err != nil {
		t.Fatal(err)
	}
	return c.Push(ctx, o)
}

func states(r *registry.Result) string {
	var all []string
	for _, ref := range r.References {
		_, path, _ := strings.Cut(ref.Name, "/")
		all = append(all, path+" "+ref.State)
	}
	return strings.Join(all, "\n")
}

func TestPush(t *testing.T) {
	t.Parallel()
	r, dir := registrytest.Start(t), images(t)
	o := registry.PushOptions{Also: map[string][]string{"coredns/coredns": {"coredns"}}, ArchTags: true}
	to := r.Host + "/k8s"

	dry := o
	dry.DryRun = true
	res, err := push(t.Context(), t, dir, to, dry)
	if err != nil || len(res.References) != 10 || res.References[0].State != registry.ToPush {
		t.Fatalf("dry run: %+v, %v", res, err)
	}
	if tags, err := r.Tags(); err != nil || len(tags) != 0 {
		t.Fatalf("dry run left %v, %v", tags, err)
	}

	res, err = push(t.Context(), t, dir, to, o)
	if err != nil {
		t.Fatal(err)
	}
	want := `k8s/coredns/coredns:v1.14.2 pushed
k8s/coredns:v1.14.2 pushed
k8s/coredns/coredns-amd64:v1.14.2 pushed
k8s/coredns/coredns-arm:v1.14.2 pushed
k8s/coredns/coredns-arm64:v1.14.2 pushed
k8s/kube-proxy:v1.36.3 pushed
k8s/kube-proxy-amd64:v1.36.3 pushed
k8s/kube-proxy-arm:v1.36.3 pushed
k8s/kube-proxy-arm64:v1.36.3 pushed
k8s/single/image:v1.0.0-rc.1 pushed`
	if got := states(res); got != want {
		t.Errorf("pushed\n%s\nwant\n%s", got, want)
	}
	// 1 shared layer, 6 of programs and 7 configurations are sent; all that further repositories need is mounted.
	if res.Sent.Blobs != 14 || res.Sent.Mounted == 0 {
		t.Errorf("sent %s, want 14 blobs sent and the rest mounted", res.Sent)
	}
	tags, err := r.Tags()
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range res.References {
		_, path, _ := strings.Cut(ref.Name, "/")
		if tags[path] != ref.Digest {
			t.Errorf("%s points at %s, not at %s", path, tags[path], ref.Digest)
		}
	}
	for _, ref := range []string{to + "/coredns:v1.14.2", to + "/kube-proxy:v1.36.3"} {
		tag, err := name.NewTag(ref)
		if err != nil {
			t.Fatal(err)
		}
		index, err := remote.Index(tag)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Index(index); err != nil {
			t.Errorf("%s: %v", ref, err)
		}
	}

	r.Fail(nil)
	res, err = push(t.Context(), t, dir, to, o)
	if err != nil || strings.Contains(states(res), "pushed") || res.Sent != (registry.Sent{}) {
		t.Errorf("second push: %v, %v", res, err)
	}
	for _, request := range r.Requests() {
		if !strings.HasPrefix(request, "HEAD ") && request != "GET /v2/" {
			t.Errorf("second push asked %s", request)
		}
	}
}

func TestSelection(t *testing.T) {
	t.Parallel()
	r, dir := registrytest.Start(t), images(t)
	for _, name := range []string{"coredns", "coredns/coredns"} {
		res, err := push(t.Context(), t, dir, r.Host, registry.PushOptions{Images: []string{name}, DryRun: true})
		if err != nil || len(res.References) != 1 || !strings.HasSuffix(res.References[0].Name, "/coredns/coredns:v1.14.2") {
			t.Errorf("%s selects %v, %v", name, res, err)
		}
	}
	_, err := push(t.Context(), t, dir, r.Host, registry.PushOptions{Images: []string{"kube-prox"}})
	if err == nil || !strings.HasPrefix(err.Error(), "image kube-prox: not in ") || hint.Of(err) != "there are: coredns/coredns, kube-proxy, single/image" {
		t.Errorf("unknown image: %v, %s", err, hint.Of(err))
	}
}

// TestFaults lets the registry fail at each request in turn, in each way. After each failure no tag points at anything
// incomplete, and a second push completes the first.
func TestFaults(t *testing.T) {
	t.Parallel()
	dir := images(t)
	o := registry.PushOptions{Images: []string{"kube-proxy", "single/image"}}
	whole := registrytest.Start(t)
	if _, err := push(t.Context(), t, dir, whole.Host, o); err != nil {
		t.Fatal(err)
	}
	want, err := whole.Tags()
	if err != nil {
		t.Fatal(err)
	}
	total := len(whole.Requests())
	faults := map[string]func(http.ResponseWriter, *http.Request){
		"cut before":  func(w http.ResponseWriter, r *http.Request) { registrytest.Cut(w, r, 0) },
		"cut in body": func(w http.ResponseWriter, r *http.Request) { registrytest.Cut(w, r, 40) },
		"401":         func(w http.ResponseWriter, _ *http.Request) { registrytest.Answer(w, 401, "UNAUTHORIZED") },
		"403":         func(w http.ResponseWriter, _ *http.Request) { registrytest.Answer(w, 403, "DENIED") },
		"404":         func(w http.ResponseWriter, _ *http.Request) { registrytest.Answer(w, 404, "NAME_UNKNOWN") },
		"429":         func(w http.ResponseWriter, _ *http.Request) { registrytest.Answer(w, 429, "TOOMANYREQUESTS") },
		"500":         func(w http.ResponseWriter, _ *http.Request) { registrytest.Answer(w, 500, "") },
	}
	for fault, fail := range faults {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			failed, tried := 0, 0
			step := 1
			if !strings.HasPrefix(fault, "cut") {
				step = 3
			}
			for at := 0; at < total; at += step {
				tried++
				r := registrytest.Start(t)
				r.Fail(func(w http.ResponseWriter, req *http.Request, n int) bool {
					if n < at {
						return false
					}
					fail(w, req)
					return true
				})
				_, err := push(t.Context(), t, dir, r.Host, o)
				if err != nil {
					failed++
					if hint.Of(err) == "" && fault != "404" {
						t.Errorf("from request %d on: no hint for %v", at, err)
					}
				}
				if _, err := r.Tags(); err != nil {
					t.Fatalf("from request %d on: %v", at, err)
				}
				r.Fail(nil)
				if _, err := push(t.Context(), t, dir, r.Host, o); err != nil {
					t.Fatalf("from request %d on: second push: %v", at, err)
				}
				tags, err := r.Tags()
				if err != nil || !equal(tags, want) {
					t.Fatalf("from request %d on: second push left %v, %v", at, tags, err)
				}
			}
			// The order of requests varies, so the last of them may be one too many.
			if failed < tried*3/4 {
				t.Errorf("%d of %d pushes failed", failed, tried)
			}
		})
	}
}

func equal[K, V comparable](a, b map[K]V) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return true
}

// TestPassingFaults lets each third request fail once; the library's retries get over it.
func TestPassingFaults(t *testing.T) {
	t.Parallel()
	dir := images(t)
	for _, fault := range []func(http.ResponseWriter, *http.Request){
		func(w http.ResponseWriter, r *http.Request) { registrytest.Cut(w, r, 10) },
		func(w http.ResponseWriter, _ *http.Request) { registrytest.Answer(w, 429, "TOOMANYREQUESTS") },
		func(w http.ResponseWriter, _ *http.Request) { registrytest.Answer(w, 503, "") },
	} {
		r := registrytest.Start(t)
		r.Fail(func(w http.ResponseWriter, req *http.Request, n int) bool {
			if n%5 != 3 {
				return false
			}
			fault(w, req)
			return true
		})
		c := newClient(t, registry.Options{Jobs: 1, Backoff: remote.Backoff{Duration: time.Millisecond, Steps: 4}})
		l, err := registry.OpenLayout(dir)
		if err != nil {
			t.Fatal(err)
		}
		to, err := c.Destination(r.Host)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Push(t.Context(), registry.PushOptions{Layout: l, To: to}); err != nil {
			t.Error(err)
		}
		if tags, err := r.Tags(); err != nil || len(tags) != 3 {
			t.Errorf("%v, %v", tags, err)
		}
	}
}

// TestResumedMounts pushes one image, and then all by another client: what the repository of the first has is not sent into
// the others, unless the registry has lost it.
func TestResumedMounts(t *testing.T) {
	t.Parallel()
	dir := images(t)
	for _, lost := range []bool{false, true} {
		r := registrytest.Start(t)
		if _, err := push(t.Context(), t, dir, r.Host, registry.PushOptions{Images: []string{"coredns"}}); err != nil {
			t.Fatal(err)
		}
		// All of coredns into a second repository: 1 shared layer, 3 of programs and 3 configurations. Of the others the
		// shared layer, twice; 3 programs and 4 configurations are their own.
		want := registry.Sent{Blobs: 7, Mounted: 9}
		if lost {
			for digest := range r.Blobs() {
				r.Forget("coredns/coredns", digest)
			}
			want = registry.Sent{Blobs: 14, Mounted: 2} // the shared layer alone comes from where it was sent now
		}
		res, err := push(t.Context(), t, dir, r.Host, registry.PushOptions{Also: map[string][]string{"coredns/coredns": {"coredns"}}})
		if err != nil {
			t.Fatal(err)
		}
		if res.References[0].State != registry.Unchanged || res.Sent.Blobs != want.Blobs || res.Sent.Mounted != want.Mounted || res.Sent.Present != 0 {
			t.Errorf("lost: %t: %s: %s, want %s", lost, states(res), res.Sent, want)
		}
	}
}

// TestLost lets the registry lose what it took: the tag is not set.
func TestLost(t *testing.T) {
	t.Parallel()
	r, dir := registrytest.Start(t), images(t)
	r.Fail(func(w http.ResponseWriter, req *http.Request, _ int) bool {
		if req.Method == http.MethodPut && strings.Contains(req.URL.Path, "/manifests/") {
			for key := range r.Blobs() {
				r.Forget("single/image", key)
			}
		}
		return false
	})
	_, err := push(t.Context(), t, dir, r.Host, registry.PushOptions{Images: []string{"single/image"}})
	if err == nil || !strings.Contains(err.Error(), "does not have it; the tag was not set") {
		t.Errorf("got %v", err)
	}
	if slices.ContainsFunc(r.Requests(), func(q string) bool { return q == "PUT /v2/single/image/manifests/v1.0.0-rc.1" }) {
		t.Error("the tag was set")
	}
}

func TestTagTaken(t *testing.T) {
	t.Parallel()
	r, dir := registrytest.Start(t), images(t)
	if _, err := push(t.Context(), t, dir, r.Host, registry.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	before, err := r.Tags()
	if err != nil {
		t.Fatal(err)
	}
	other := registrytest.Layout(t, map[string]mutate.Appendable{
		"registry.k8s.io/kube-proxy:v1.36.3": registrytest.Index(t, registrytest.Image(t, "linux/amd64")),
		"registry.k8s.io/new:v1":             registrytest.Index(t, registrytest.Image(t, "linux/arm64")),
	})
	r.Fail(nil)
	_, err = push(t.Context(), t, other, r.Host, registry.PushOptions{})
	var taken *registry.TagTakenError
	if !errors.As(err, &taken) || taken.Has != before["kube-proxy:v1.36.3"] || !strings.Contains(hint.Of(err), "--force-tag") {
		t.Errorf("got %v, hint %s", err, hint.Of(err))
	}
	for _, request := range r.Requests() {
		if !strings.HasPrefix(request, "HEAD ") && request != "GET /v2/" {
			t.Errorf("refused push asked %s", request)
		}
	}
	res, err := push(t.Context(), t, other, r.Host, registry.PushOptions{DryRun: true})
	if err != nil || states(res) != "kube-proxy:v1.36.3 to move\nnew:v1 to push" {
		t.Errorf("dry run: %v, %v", res, err)
	}
	res, err = push(t.Context(), t, other, r.Host, registry.PushOptions{MoveTags: true})
	if err != nil || states(res) != "kube-proxy:v1.36.3 moved\nnew:v1 pushed" || res.References[0].Was != taken.Has.String() {
		t.Errorf("forced: %+v, %v", res, err)
	}
}

// TestRace moves a tag after it was looked at: that is seen before the tag is set.
func TestRace(t *testing.T) {
	t.Parallel()
	r, dir := registrytest.Start(t), images(t)
	other := registrytest.Layout(t, map[string]mutate.Appendable{"registry.k8s.io/single/image:v1.0.0-rc.1": registrytest.Image(t, "linux/s390x")})
	var raced atomic.Bool
	r.Fail(func(_ http.ResponseWriter, req *http.Request, _ int) bool {
		if req.Method == http.MethodPost && raced.CompareAndSwap(false, true) {
			if _, err := push(t.Context(), t, other, r.Host, registry.PushOptions{}); err != nil {
				t.Error(err)
			}
		}
		return false
	})
	_, err := push(t.Context(), t, dir, r.Host, registry.PushOptions{Images: []string{"single/image"}})
	var taken *registry.TagTakenError
	if !errors.As(err, &taken) {
		t.Errorf("got %v", err)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	dir := images(t)
	for _, at := range []int{0, 5, 12, 20, 30} {
		r := registrytest.Start(t)
		ctx, cancel := context.WithCancel(t.Context())
		r.Fail(func(_ http.ResponseWriter, req *http.Request, n int) bool {
			if n == at {
				cancel()
				// It is cancelled while it waits for an answer, which the server sees once it has read all.
				_, _ = io.Copy(io.Discard, req.Body)
				<-req.Context().Done()
			}
			return false
		})
		_, err := push(ctx, t, dir, r.Host, registry.PushOptions{})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled at request %d: %v", at, err)
		}
		cancel()
		if _, err := r.Tags(); err != nil {
			t.Errorf("cancelled at request %d: %v", at, err)
		}
		r.Fail(nil)
		if _, err := push(t.Context(), t, dir, r.Host, registry.PushOptions{}); err != nil {
			t.Errorf("after cancelling at request %d: %v", at, err)
		}
	}
}

// TestTampered changes a blob on the disk, in length and without: it never arrives, and no tag is set.
func TestTampered(t *testing.T) {
	t.Parallel()
	for change, tamper := range map[string]func([]byte) []byte{
		"other content": func(b []byte) []byte { b[len(b)-9] ^= 1; return b },
		"shorter":       func(b []byte) []byte { return b[:len(b)-1] },
		"longer":        func(b []byte) []byte { return append(b, 0) },
		"missing":       func([]byte) []byte { return nil },
	} {
		for _, kind := range []string{"list", "manifest", "config", "layer"} {
			t.Run(change+" "+kind, func(t *testing.T) {
				t.Parallel()
				r, dir := registrytest.Start(t), images(t)
				file := find(t, dir, kind)
				content, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
				if content = tamper(content); content != nil {
					if err := os.WriteFile(file, content, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				_, err = push(t.Context(), t, dir, r.Host, registry.PushOptions{Images: []string{"kube-proxy"}})
				var wrong *ocilayout.BlobError
				if !errors.As(err, &wrong) || wrong.Digest.Hex != filepath.Base(file) || hint.Of(err) == "" {
					t.Errorf("got %v, hint %q", err, hint.Of(err))
				}
				if tags, err := r.Tags(); err != nil || len(tags) > 0 {
					t.Errorf("tags %v, %v", tags, err)
				}
				if slices.ContainsFunc(r.Requests(), func(q string) bool {
					return strings.HasSuffix(q, fmt.Sprint("manifests/sha256:", wrong.Digest.Hex)) && q[0] == 'P'
				}) {
					t.Error("it was sent")
				}
			})
		}
	}
}

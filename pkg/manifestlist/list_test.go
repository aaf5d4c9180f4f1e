package manifestlist_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"kubedist/pkg/hint"
	"kubedist/pkg/manifestlist"
	"kubedist/pkg/ocilayout"
	"kubedist/pkg/registry"
	"kubedist/pkg/registry/registrytest"
)

func client(t testing.TB) *registry.Client {
	t.Helper()
	c, err := registry.New(registry.Options{Backoff: remote.Backoff{Duration: time.Millisecond, Steps: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func tag(t testing.TB, s string) name.Tag {
	t.Helper()
	tag, err := name.NewTag(s)
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

// put puts an image for a platform into a registry.
func put(t testing.TB, reference, platform string) {
	t.Helper()
	image := registrytest.Image(t, platform, registrytest.Layer(t, "bin/program", []byte(reference+platform)))
	if err := remote.Write(tag(t, reference), image); err != nil {
		t.Fatal(err)
	}
}

// putBars puts the images of the talk: bar-amd64, bar-arm and bar-arm64.
func putBars(t testing.TB, host string) {
	put(t, host+"/foo/bar-amd64:v1", "linux/amd64")
	put(t, host+"/foo/bar-arm:v1", "linux/arm/v7")
	put(t, host+"/foo/bar-arm64:v1", "linux/arm64")
}

func fromArgs(ctx context.Context, t testing.TB, a manifestlist.Arguments, o manifestlist.Options) (*manifestlist.Result, error) {
	t.Helper()
	s, err := a.Spec()
	if err != nil {
		return nil, err
	}
	if o.Type == "" {
		o.Type = manifestlist.Docker
	}
	c := client(t)
	l, err := manifestlist.Assemble(ctx, c, s, o)
	if err != nil {
		return nil, err
	}
	return manifestlist.Push(ctx, c, l, nil)
}

// bars is the command line of the talk.
func bars(host string) manifestlist.Arguments {
	return manifestlist.Arguments{
		Platforms: []string{"linux/amd64", "linux/arm", "linux/arm64"}, Template: host + "/foo/bar-ARCH:v1", Target: host + "/foo/bar:v1",
	}
}

func TestFromArgs(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	putBars(t, r.Host)
	a := bars(r.Host)
	a.Tags = []string{"v1.0", "latest"}
	res, err := fromArgs(t.Context(), t, a, manifestlist.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if res.Sent.Blobs != 0 || res.Sent.Mounted != 6 || strings.Join(res.Platforms, " ") != "linux/amd64 linux/arm/v7 linux/arm64" {
		t.Errorf("got %+v, want six blobs mounted", res)
	}
	tags, err := r.Tags()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"v1", "v1.0", "latest"} {
		if tags["foo/bar:"+name] != res.Digest {
			t.Errorf("foo/bar:%s points at %s, not at %s", name, tags["foo/bar:"+name], res.Digest)
		}
	}
	index, err := remote.Index(tag(t, r.Host+"/foo/bar:v1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	if mt, err := index.MediaType(); err != nil || mt != types.DockerManifestList {
		t.Errorf("media type %s, %v", mt, err)
	}

	r.Fail(nil)
	again, err := fromArgs(t.Context(), t, a, manifestlist.Options{})
	if err != nil || !again.Unchanged || again.Digest != res.Digest || again.Length != res.Length {
		t.Errorf("second push: %+v, %v", again, err)
	}
	for _, request := range r.Requests() {
		if strings.HasPrefix(request, "P") {
			t.Errorf("second push asked %s", request)
		}
	}

	other := registrytest.Start(t)
	a.Target = other.Host + "/x/y:v1"
	a.Annotations = []string{"a=b=c"}
	copied, err := fromArgs(t.Context(), t, a, manifestlist.Options{Type: manifestlist.OCI})
	if err != nil || copied.Sent.Blobs != 6 || copied.Digest == res.Digest {
		t.Errorf("to another registry: %+v, %v", copied, err)
	}
	if tags, err := other.Tags(); err != nil || len(tags) != 3 {
		t.Errorf("other registry: %v, %v", tags, err)
	}
	report, err := manifestlist.Inspect(t.Context(), client(t), tag(t, a.Target), 2, false)
	if err != nil || report.MediaType != string(types.OCIImageIndex) || report.Annotations["a"] != "b=c" || len(report.Images) != 3 ||
		report.Images[1].Platform != "linux/arm/v7" || report.Images[1].Layers != 1 || report.Digest != copied.Digest {
		t.Errorf("inspect: %+v, %v", report, err)
	}
	if single, err := manifestlist.Inspect(t.Context(), client(t), tag(t, r.Host+"/foo/bar-arm:v1"), 1, false); err != nil || single.Images[0].Platform != "linux/arm/v7" || single.Images[0].Digest != single.Digest {
		t.Errorf("inspect of an image: %+v, %v", single, err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	putBars(t, r.Host)
	put(t, r.Host+"/foo/bar-s390x:v1", "linux/amd64") // it says so itself
	put(t, r.Host+"/foo/bar-armv6:v1", "linux/arm/v6")
	put(t, r.Host+"/foo/nothing:v1", "")
	for name, c := range map[string]struct {
		platforms, template, target string
		tags, annotations           []string
		o                           manifestlist.Options
		want, next                  string
	}{
		"no ARCH": {platforms: "linux/amd64,linux/arm", template: "foo/bar:v1",
			want: "template HOST/foo/bar:v1: has no ARCH, so linux/amd64 and linux/arm would both be HOST/foo/bar:v1", next: "write ARCH"},
		"no VARIANT":     {platforms: "linux/arm/v6,linux/arm/v7", template: "foo/bar-ARCH:v1", want: "has no VARIANT", next: "write VARIANT"},
		"no OS":          {platforms: "linux/amd64,windows/amd64", template: "foo/bar-ARCH:v1", want: "has no OS", next: "write OS"},
		"twice":          {platforms: "linux/amd64,linux/amd64", want: "platform linux/amd64: is listed twice"},
		"same for all":   {platforms: "linux/arm64,linux/arm64/v8", template: "foo/bar-arm64VARIANT:v1", want: "image HOST/foo/bar-arm64v8:v1: not in the registry"},
		"wrong image":    {platforms: "linux/amd64,linux/s390x", want: "image HOST/foo/bar-s390x:v1: is for linux/amd64, not for linux/s390x", next: "build and push the right one"},
		"wrong variant":  {platforms: "linux/arm/v7", template: "foo/bar-armv6:v1", want: "is for linux/arm/v6, not for linux/arm/v7"},
		"says nothing":   {platforms: "linux/amd64", template: "foo/nothing:v1"},
		"missing":        {platforms: "linux/amd64,linux/ppc64le", want: "image HOST/foo/bar-ppc64le:v1: not in the registry", next: "whether it was pushed"},
		"all missing":    {platforms: "linux/ppc64le", o: manifestlist.Options{IgnoreMissing: true}, want: "list HOST/foo/list:v1: none of its images is in the registry: HOST/foo/bar-ppc64le:v1"},
		"platform":       {platforms: "linux", want: `platform "linux": not of the form OS/ARCH or OS/ARCH/VARIANT`},
		"no platform":    {want: "list of platforms: is empty"},
		"type":           {platforms: "linux/amd64", o: manifestlist.Options{Type: "x"}, want: `type "x": neither docker nor oci`},
		"annotations":    {platforms: "linux/amd64", annotations: []string{"a=b"}, want: "annotations a: a Docker manifest list has none", next: "--type oci"},
		"annotation":     {platforms: "linux/amd64", annotations: []string{"a"}, want: `annotation "a": not of the form NAME=VALUE`},
		"annotation, 2":  {platforms: "linux/amd64", annotations: []string{"a=b", "a=c"}, want: "annotation a: is there twice"},
		"target no tag":  {platforms: "linux/amd64", target: "foo/list", want: "reference HOST/foo/list: no tag", next: "NAME:TAG"},
		"tag":            {platforms: "linux/amd64", tags: []string{"a b"}, want: "reference HOST/foo/list:a b: tag can only contain"},
		"template upper": {platforms: "linux/amd64", template: "foo/bar-Arch:v1", want: "reference HOST/foo/bar-Arch:v1: repository can only contain"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			or := func(s, otherwise string) string {
				if s == "" {
					s = otherwise
				}
				return r.Host + "/" + s
			}
			a := manifestlist.Arguments{Template: or(c.template, "foo/bar-ARCH:v1"), Target: or(c.target, "foo/list:v1"), Tags: c.tags, Annotations: c.annotations}
			if c.platforms != "" {
				a.Platforms = strings.Split(c.platforms, ",")
			}
			_, err := fromArgs(t.Context(), t, a, c.o)
			want := strings.ReplaceAll(c.want, "HOST", r.Host)
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) || !strings.Contains(hint.Of(err), c.next) {
				t.Errorf("got %v (hint: %s), want %q (%q)", err, hint.Of(err), want, c.next)
			}
		})
	}
}

// TestIgnoreMissing leaves out what the registry does not have, and nothing that it merely does not give.
func TestIgnoreMissing(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	putBars(t, r.Host)
	a := bars(r.Host)
	a.Platforms = append(a.Platforms, "linux/ppc64le")
	res, err := fromArgs(t.Context(), t, a, manifestlist.Options{IgnoreMissing: true})
	if err != nil || len(res.Platforms) != 3 || len(res.Missing) != 1 || res.Missing[0] != r.Host+"/foo/bar-ppc64le:v1" {
		t.Errorf("got %+v, %v", res, err)
	}
	for fault, answer := range map[string]func(http.ResponseWriter, *http.Request){
		"401": func(w http.ResponseWriter, _ *http.Request) { registrytest.Answer(w, 401, "UNAUTHORIZED") },
		"403": func(w http.ResponseWriter, _ *http.Request) { registrytest.Answer(w, 403, "DENIED") },
		"500": func(w http.ResponseWriter, _ *http.Request) { registrytest.Answer(w, 500, "") },
		"cut": func(w http.ResponseWriter, r *http.Request) { registrytest.Cut(w, r, 0) },
	} {
		for _, path := range []string{"/v2/", "/v2/foo/bar-arm/manifests/", "/v2/foo/bar-arm/blobs/"} {
			r.Fail(func(w http.ResponseWriter, req *http.Request, _ int) bool {
				if !strings.HasPrefix(req.URL.Path, path) {
					return false
				}
				answer(w, req)
				return true
			})
			if res, err := fromArgs(t.Context(), t, a, manifestlist.Options{IgnoreMissing: true}); err == nil {
				t.Errorf("%s at %s: pushed %+v", fault, path, res)
			}
		}
	}
	// The image's manifest is there and its configuration is not: it is broken, not missing.
	r.Fail(func(w http.ResponseWriter, req *http.Request, _ int) bool {
		if !strings.HasPrefix(req.URL.Path, "/v2/foo/bar-arm/blobs/") {
			return false
		}
		registrytest.Answer(w, 404, "BLOB_UNKNOWN")
		return true
	})
	if res, err := fromArgs(t.Context(), t, a, manifestlist.Options{IgnoreMissing: true}); err == nil {
		t.Errorf("without a configuration: pushed %+v", res)
	}
}

// TestFromLists takes images out of lists.
func TestFromLists(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	layer := registrytest.Layer(t, "a", []byte("a"))
	list := registrytest.Index(t, registrytest.Image(t, "linux/amd64", layer), registrytest.Image(t, "linux/arm/v6", layer), registrytest.Image(t, "linux/arm/v7", layer), registrytest.Image(t, "linux/arm64/v8", layer))
	// What build tools attach to images is no image.
	list = mutate.AppendManifests(list, mutate.IndexAddendum{Add: registrytest.Image(t, "linux/s390x", layer), Descriptor: v1.Descriptor{
		Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}, Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest"}}})
	if err := remote.WriteIndex(tag(t, r.Host+"/all:v1"), list); err != nil {
		t.Fatal(err)
	}
	spec := func(text string) (*manifestlist.Result, error) {
		s, err := manifestlist.ReadSpec("list.yaml", strings.NewReader(strings.ReplaceAll(text, "HOST", r.Host)))
		if err != nil {
			t.Fatal(err)
		}
		c := client(t)
		l, err := manifestlist.Assemble(t.Context(), c, s, manifestlist.Options{Type: manifestlist.OCI})
		if err != nil {
			return nil, err
		}
		return manifestlist.Push(t.Context(), c, l, nil)
	}
	res, err := spec("{image: HOST/some:v1, manifests: [{image: HOST/all:v1, platform: {os: linux, architecture: arm64}}, {image: HOST/all:v1, platform: {os: linux, architecture: arm, variant: v6}}]}")
	if err != nil || strings.Join(res.Platforms, " ") != "linux/arm64/v8 linux/arm/v6" {
		t.Errorf("two of a list: %+v, %v", res, err)
	}
	res, err = spec("{image: HOST/copy:v1, manifests: [{image: HOST/all:v1}]}")
	if err != nil || strings.Join(res.Platforms, " ") != "linux/amd64 linux/arm/v6 linux/arm/v7 linux/arm64/v8" {
		t.Errorf("all of a list: %+v, %v", res, err)
	}
	for platform, want := range map[string]string{
		"{os: linux, architecture: s390x}": "is a list without an image for linux/s390x; it has linux/amd64, linux/arm/v6, linux/arm/v7, linux/arm64/v8",
		"{architecture: arm}":              "is a list with several images for",
	} {
		if _, err := spec("{image: HOST/none:v1, manifests: [{image: HOST/all:v1, platform: " + platform + "}]}"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", platform, err, want)
		}
	}
	_, err = spec("{image: HOST/twice:v1, manifests: [{image: HOST/all:v1}, {image: HOST/some:v1, platform: {os: linux, architecture: arm64}}]}")
	if err == nil || !strings.Contains(err.Error(), "is given by two images") {
		t.Errorf("twice: got %v", err)
	}
}

// TestListSizes has lists that lead to more than is kept in memory, and that say wrong sizes of their images.
func TestListSizes(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	all := registrytest.Index(t, registrytest.Image(t, "linux/amd64", registrytest.Layer(t, "a", []byte("a"))))
	if err := remote.WriteIndex(tag(t, r.Host+"/all:v1"), all); err != nil {
		t.Fatal(err)
	}
	m, err := all.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	child := m.Manifests[0]
	const each, fit = ocilayout.MaxDocument, ocilayout.MaxTree / ocilayout.MaxDocument
	for name, c := range map[string]struct {
		n     int
		size  int64
		want  string
		asked bool // for any image
	}{
		"as it is":  {1, child.Size, "", true},
		"as large":  {fit, each, fmt.Sprintf("has %d bytes, and it says %d", child.Size, each), true},
		"too large": {fit + 1, each, fmt.Sprintf("list %s/all:v1: not what the OCI image specification says: manifests of %d bytes, more than %d", r.Host, (fit+1)*each, ocilayout.MaxTree), false},
		"longer":    {1, child.Size - 1, fmt.Sprintf("has %d bytes, and it says %d", child.Size, child.Size-1), true},
		"shorter":   {1, child.Size + 1, fmt.Sprintf("has %d bytes, and it says %d", child.Size, child.Size+1), true},
	} {
		list := *m
		list.Manifests = nil
		for i := range c.n {
			d := child
			d.Size, d.Platform = c.size, &v1.Platform{OS: "linux", Architecture: "amd64", OSVersion: fmt.Sprint(i)}
			list.Manifests = append(list.Manifests, d)
		}
		raw, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		r.Fail(func(w http.ResponseWriter, req *http.Request, _ int) bool {
			if req.URL.Path != "/v2/all/manifests/v1" {
				return false
			}
			w.Header().Set("Content-Type", string(list.MediaType))
			_, err := w.Write(raw)
			return err == nil
		})
		s, err := manifestlist.ReadSpec("list.yaml", strings.NewReader("{image: "+r.Host+"/copy:v1, manifests: [{image: "+r.Host+"/all:v1}]}"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = manifestlist.Assemble(t.Context(), client(t), s, manifestlist.Options{Type: manifestlist.OCI})
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || !errors.Is(err, ocilayout.ErrDocument)) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
		if asked := slices.Contains(r.Requests(), "GET /v2/all/manifests/"+child.Digest.String()); asked != c.asked {
			t.Errorf("%s: an image was asked for: %t", name, asked)
		}
	}
}

// TestFaults breaks the connection from each request on: the list's tag never points at anything incomplete.
func TestFaults(t *testing.T) {
	t.Parallel()
	for at := 0; ; at += 3 {
		r := registrytest.Start(t)
		putBars(t, r.Host)
		r.Fail(func(w http.ResponseWriter, req *http.Request, n int) bool {
			if n < at {
				return false
			}
			registrytest.Cut(w, req, 20)
			return true
		})
		_, failed := fromArgs(t.Context(), t, bars(r.Host), manifestlist.Options{})
		tags, err := r.Tags()
		if err != nil {
			t.Fatalf("from request %d on: %v", at, err)
		}
		if failed == nil {
			if at < 20 || len(tags) != 4 {
				t.Fatalf("from request %d on nothing failed, tags are %v", at, tags)
			}
			return
		}
		r.Fail(nil)
		if _, err := fromArgs(t.Context(), t, bars(r.Host), manifestlist.Options{}); err != nil {
			t.Fatalf("after request %d: %v", at, err)
		}
	}
}

package registry

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"kubedist/pkg/ocilayout"
)

// TestPlainHTTP asks hosts that need not be there: those that are refused are never called.
func TestPlainHTTP(t *testing.T) {
	t.Parallel()
	w, err := newWire(Options{})
	if err != nil {
		t.Fatal(err)
	}
	called := ""
	w.next = roundTrip(func(r *http.Request) (*http.Response, error) {
		called = r.URL.Host
		return httptest.NewRecorder().Result(), nil
	})
	for host, local := range map[string]bool{
		"localhost": true, "localhost:5000": true, "a.localhost": true, "127.0.0.1:5000": true, "127.9.9.9": true, "[::1]:5000": true,
		"10.0.0.1:5000": false, "192.168.1.1": false, "example.org": false, "localhost.example.org:5000": false, "127.0.0.1.example.org": false,
	} {
		for _, scheme := range []string{"http", "https"} {
			for _, plain := range []bool{false, true} {
				w.plainHTTP, called = plain, ""
				answer, err := w.RoundTrip(httptest.NewRequest(http.MethodGet, scheme+"://"+host+"/v2/", nil))
				if err == nil {
					answer.Body.Close()
				}
				allowed := scheme == "https" || local || plain
				if allowed != (called == host) || allowed == errors.Is(err, errPlainHTTP) {
					t.Errorf("%s://%s, plain HTTP allowed: %t: called %q, %v", scheme, host, plain, called, err)
				}
			}
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestBounded(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]bool{0: true, 1: true, ocilayout.MaxDocument: true, ocilayout.MaxDocument + 1: false, ocilayout.MaxDocument + 5000: false} {
		data, err := io.ReadAll(&bounded{io.NopCloser(strings.NewReader(strings.Repeat("x", size))), ocilayout.MaxDocument})
		if (err == nil) != want || want && len(data) != size {
			t.Errorf("%d bytes: read %d, %v", size, len(data), err)
		}
	}
}

// TestKinds has repositories with components that are called as the kinds are. Answers about manifests are bounded, others are
// not; what is not there is called what it is.
func TestKinds(t *testing.T) {
	t.Parallel()
	w, err := newWire(Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.next = roundTrip(func(r *http.Request) (*http.Response, error) {
		answer := httptest.NewRecorder().Result()
		answer.Body = io.NopCloser(strings.NewReader(strings.Repeat("x", ocilayout.MaxDocument+1)))
		return answer, nil
	})
	const digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	for at, want := range map[string]string{
		"/v2/":                                     "",
		"/v2/a/tags/list":                          "",
		"/v2/a/manifests/v1":                       "manifests",
		"/v2/a/manifests/" + digest:                "manifests",
		"/v2/a/blobs/" + digest:                    "blobs",
		"/v2/a/blobs/uploads/":                     "blobs",
		"/v2/a/blobs/uploads/0815":                 "blobs",
		"/v2/manifests/blobs/" + digest:            "blobs",
		"/v2/a/manifests/b/blobs/" + digest:        "blobs",
		"/v2/a/manifests/blobs/uploads/":           "blobs",
		"/v2/a/manifests/blobs/uploads/0815":       "blobs",
		"/v2/a/blobs/manifests/v1":                 "manifests",
		"/v2/blobs/uploads/manifests/v1":           "manifests",
		"/v2/a/blobs/uploads/manifests/" + digest:  "manifests",
		"/v2/a/blobs/uploads/tags/list":            "",
		"/v2/a/manifests/tags/list":                "",
		"/docker/v2/blobs/sha256/00/0000/data":     "", // where blobs are sent elsewhere
		"/storage/manifests/blobs/sha256/000/data": "",
	} {
		r := httptest.NewRequest(http.MethodGet, "https://example.org"+at, nil)
		answer, err := w.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(answer.Body)
		answer.Body.Close()
		if (err != nil) != (want == "manifests") {
			t.Errorf("%s: more than %d bytes: %v", at, ocilayout.MaxDocument, err)
		}
		missing := &transport.Error{StatusCode: http.StatusNotFound, Request: r}
		if isNotFound(missing) != (want == "manifests") || isMissingBlob(missing) != (want == "blobs") {
			t.Errorf("%s: without it an image is missing: %t, a blob: %t; want it to be one of %q", at, isNotFound(missing), isMissingBlob(missing), want)
		}
	}
}

// TestKindElsewhere follows a registry to where it keeps things, which has paths of its own.
func TestKindElsewhere(t *testing.T) {
	t.Parallel()
	w, err := newWire(Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.next = roundTrip(func(r *http.Request) (*http.Response, error) {
		answer := httptest.NewRecorder()
		switch at, path := "https://storage.example.org", r.URL.Path; {
		case r.URL.Host != "storage.example.org":
			http.Redirect(answer, r, at+"/first", http.StatusTemporaryRedirect)
		case path == "/first":
			http.Redirect(answer, r, at+"/manifests/second", http.StatusTemporaryRedirect)
		default:
			answer.Body = bytes.NewBuffer(make([]byte, ocilayout.MaxDocument+1))
		}
		res := answer.Result()
		res.Request = r
		return res, nil
	})
	for at, want := range map[string]string{"/v2/a/manifests/v1": "manifests", "/v2/a/blobs/x": "blobs", "/v2/": "v2"} {
		answer, err := (&http.Client{Transport: w}).Get("https://example.org" + at)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(answer.Body)
		answer.Body.Close()
		if got := kindOf(answer.Request); got != want || (err != nil) != (want == "manifests") {
			t.Errorf("%s: taken for %q, read: %v", at, got, err)
		}
	}
}

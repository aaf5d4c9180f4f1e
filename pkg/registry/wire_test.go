package registry

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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

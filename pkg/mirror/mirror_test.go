package mirror_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"kubedist/pkg/hint"
	"kubedist/pkg/mirror"
)

func TestOfHost(t *testing.T) {
	t.Parallel()
	const stanza = "Types: deb\nURIs: http://a.example.org/debian\nSuites: bookworm bookworm-updates\nComponents: main\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string // "": none
	}{
		{"nothing", nil, ""},
		{"a line", map[string]string{"sources.list": "# x\ndeb-src http://s.example.org bookworm main\ndeb http://a.example.org/debian bookworm main # y\n"}, "http://a.example.org/debian"},
		{"options", map[string]string{"sources.list": "deb [ arch=amd64 signed-by=/x ] https://a.example.org/debian/ bookworm-updates contrib main\n"}, "https://a.example.org/debian/"},
		{"options without an end", map[string]string{"sources.list": "deb [ arch=amd64 https://a.example.org/debian/ bookworm main\n"}, ""},
		{"another archive first", map[string]string{"sources.list": "deb https://x.example.org/apt cloud-sdk-bookworm main\ndeb https://x.example.org/apt bookworm stable\ndeb https://x.example.org/security bookworm-security main\ndeb http://a.example.org/debian stable main\n"}, "http://a.example.org/debian"},
		{"deb822", map[string]string{"sources.list.d/debian.sources": stanza}, "http://a.example.org/debian"},
		{"deb822 with comments", map[string]string{"sources.list.d/debian.sources": "# one\n" + strings.Replace(stanza, "URIs", "# two\nURIs", 1)}, "http://a.example.org/debian"},
		{"deb822 after another", map[string]string{"sources.list.d/debian.sources": strings.ReplaceAll(stanza, "bookworm", "nodistro") + "\n" + stanza}, "http://a.example.org/debian"},
		{"disabled", map[string]string{"sources.list.d/debian.sources": stanza + "Enabled: no\n"}, ""},
		{"for sources alone", map[string]string{"sources.list.d/debian.sources": strings.Replace(stanza, "deb", "deb-src", 1)}, ""},
		{"not by http", map[string]string{"sources.list.d/debian.sources": strings.Replace(stanza, "http:", "cdrom:", 1)}, ""},
		{"the second way is by http", map[string]string{"sources.list.d/debian.sources": strings.Replace(stanza, "http:", "file:/x http:", 1)}, "http://a.example.org/debian"},
		{"sources.list comes first", map[string]string{"sources.list": "deb http://b.example.org bookworm main\n", "sources.list.d/a.sources": stanza}, "http://b.example.org"},
		{"parts by name", map[string]string{"sources.list.d/b.sources": stanza, "sources.list.d/a.list": "deb http://b.example.org sid main\n"}, "http://b.example.org"},
		{"what apt does not read", map[string]string{"sources.list.d/a.sources.save": stanza, "sources.list.d/debian": stanza}, ""},
		{"a file that is damaged", map[string]string{"sources.list.d/a.sources": "x", "sources.list.d/b.sources": stanza}, "http://a.example.org/debian"},
		{"ubuntu", map[string]string{"sources.list": "deb http://u.example.org/ubuntu noble main\n"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, text := range c.files {
				name = filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := mirror.OfHost(dir)
			if got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("got %q, %v", got, err)
			}
			if err != nil && (!errors.Is(err, mirror.ErrNone) || !strings.Contains(hint.Of(err), "--debian-mirror")) {
				t.Errorf("got the error %v with the hint %q", err, hint.Of(err))
			}
		})
	}
}

func fileOf(path, text string) mirror.File {
	return mirror.File{Path: path, Size: int64(len(text)), SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(text)))}
}

func serve(t *testing.T, handler http.HandlerFunc) *mirror.Mirror {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	m, err := mirror.New(server.URL + "/debian/")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func fetch(ctx context.Context, m *mirror.Mirror, f mirror.File) (string, error) {
	var b bytes.Buffer
	err := m.Fetch(ctx, f, func() (io.Writer, error) { b.Reset(); return &b, nil })
	return b.String(), err
}

// A file comes from the path of its name as it is, also where a proxy would unpack it, and after the server was away.
func TestFetch(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	m := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			http.Error(w, "away", http.StatusBadGateway)
			return
		}
		if r.URL.Path != "/debian/pool/main/g/g++/g++_1%3a2~b+c.deb" || r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("asked for %q with %q", r.URL.Path, r.Header)
		}
		io.WriteString(w, "contents")
	})
	got, err := fetch(t.Context(), m, fileOf("pool/main/g/g++/g++_1%3a2~b+c.deb", "contents"))
	if err != nil || got != "contents" || calls.Load() != 2 {
		t.Errorf("got %q, %v after %d calls", got, err, calls.Load())
	}
}

func TestFetchRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		want    error
		most    int // bytes that may be written
	}{
		{"nothing there", http.NotFound, mirror.ErrGone, 0},
		{"other bytes", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "CONTENTS") }, mirror.ErrOther, 8},
		{"fewer bytes", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "cont") }, mirror.ErrOther, 4},
		{"more bytes", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "contents and more") }, mirror.ErrOther, 0},
		{"more bytes than are announced", func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			io.WriteString(w, strings.Repeat("x", 1<<20))
		}, mirror.ErrOther, 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			m := serve(t, func(w http.ResponseWriter, r *http.Request) { calls.Add(1); c.handler(w, r) })
			got, err := fetch(t.Context(), m, fileOf("x.deb", "contents"))
			if !errors.Is(err, c.want) || len(got) > c.most || calls.Load() != 1 {
				t.Errorf("wrote %d bytes in %d calls, %v", len(got), calls.Load(), err)
			}
		})
	}
}

// A failure of the caller is not a failure of the network, and the end of the context ends the waiting.
func TestFetchStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	m := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		http.Error(w, "away", http.StatusServiceUnavailable)
	})
	if _, err := fetch(ctx, m, fileOf("x.deb", "contents")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	full := errors.New("full")
	m = serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "contents") })
	if err := m.Fetch(t.Context(), fileOf("x.deb", "contents"), func() (io.Writer, error) { return nil, full }); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"", "debian", "file:///srv/debian", "http://", "http://example.org/?x", "ftp://example.org"} {
		if _, err := mirror.New(at); err == nil || hint.Of(err) == "" {
			t.Errorf("%q: got %v", at, err)
		}
	}
	m, err := mirror.New("https://user:secret@example.org/debian")
	if err != nil || strings.Contains(m.String(), "secret") {
		t.Errorf("got %v, %v", m, err)
	}
}

// No configuration of apt, however damaged, is more than one without a mirror.
func FuzzOfHost(f *testing.F) {
	f.Add("deb [x=y] http://example.org sid main", "Types: deb\nURIs: http://example.org\nSuites: sid\nComponents: main\n")
	f.Fuzz(func(t *testing.T, lines, stanzas string) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "sources.list.d"), 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"sources.list": lines, "sources.list.d/x.sources": stanzas} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := mirror.OfHost(dir); err == nil && !strings.HasPrefix(got, "http") {
			t.Errorf("got %q", got)
		}
	})
}

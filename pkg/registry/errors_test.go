package registry_test

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kubedist/pkg/hint"
	"kubedist/pkg/registry"
	"kubedist/pkg/registry/registrytest"
)

const (
	user     = "pusher"
	password = "correct horse battery"
)

// pushOne pushes one image with a client of its own.
func pushOne(t testing.TB, o registry.Options, to string) error {
	t.Helper()
	o.Backoff = once
	c, err := registry.New(o)
	if err != nil {
		return err
	}
	l, err := registry.OpenLayout(images(t))
	if err != nil {
		t.Fatal(err)
	}
	d, err := c.Destination(to)
	if err != nil {
		return err
	}
	_, err = c.Push(t.Context(), registry.PushOptions{Layout: l, To: d, Images: []string{"kube-proxy"}})
	return err
}

// check compares an error and its hint with what they have to say; no error is "".
func check(t testing.TB, err error, want, next string) {
	t.Helper()
	switch {
	case err == nil && want == "":
	case err == nil || want == "" || !strings.Contains(err.Error(), want) || !strings.Contains(hint.Of(err), next):
		t.Errorf("got %v (hint: %s), want %q (%q)", err, hint.Of(err), want, next)
	case strings.Contains(err.Error()+hint.Of(err), password):
		t.Errorf("the error tells the password: %v", err)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for answer, c := range map[string]struct {
		status     int
		at         string
		want, next string
	}{
		"denied":            {403, "/blobs/", "access to HOST/kube-proxy: denied", "may write"},
		"repository":        {404, "/blobs/uploads", "repository HOST/kube-proxy: unknown", "create the repository"},
		"no registry":       {404, "/v2/", "registry HOST: speaks no registry protocol", "name and port"},
		"busy":              {429, "/manifests/", "registry HOST: too many requests", "fewer --jobs"},
		"broken":            {503, "/manifests/", "registry HOST: has trouble", "same command again"},
		"read only":         {405, "/blobs/uploads", "registry HOST: takes no writes", "no mirror"},
		"digest":            {400, "/blobs/uploads", "HOST/kube-proxy: ", ""},
		"manifest":          {400, "/manifests/sha256:", "HOST/kube-proxy@sha256:", ""},
		"nobody without it": {401, "/manifests/", "credentials for HOST: none found", "podman login"},
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			r := registrytest.Start(t)
			r.Fail(func(w http.ResponseWriter, req *http.Request, _ int) bool {
				if !strings.Contains(req.URL.Path, c.at) {
					return false
				}
				registrytest.Answer(w, c.status, "")
				return true
			})
			check(t, pushOne(t, registry.Options{}, r.Host), strings.ReplaceAll(c.want, "HOST", r.Host), c.next)
		})
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	r.Fail(registrytest.Login(user, password))
	host := r.Host
	file := func(content string) string {
		name := filepath.Join(t.TempDir(), "auth.json")
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	for name, c := range map[string]struct {
		o          registry.Options
		want, next string
	}{
		"login":            {registry.Options{Login: &registry.Login{Registry: host, Username: user, Password: password}}, "", ""},
		"file":             {registry.Options{AuthFile: file(fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, host, encoded))}, "", ""},
		"file, path":       {registry.Options{AuthFile: file(fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, host+"/team", encoded))}, "", ""},
		"file, all of it":  {registry.Options{AuthFile: file(fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, host+"/team/a/kube-proxy", encoded))}, "", ""},
		"file, its URL":    {registry.Options{AuthFile: file(fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, "http://"+host+"/v1/", encoded))}, "", ""},
		"file, elsewhere":  {registry.Options{AuthFile: file(fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, host+"/other", encoded))}, "credentials for HOST: none found", "log in"},
		"file, begins so":  {registry.Options{AuthFile: file(fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, host+"/tea", encoded))}, "credentials for HOST: none found", "log in"},
		"file, below":      {registry.Options{AuthFile: file(fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, host+"/team/a/kube-proxy/x", encoded))}, "credentials for HOST: none found", "log in"},
		"file, other URL":  {registry.Options{AuthFile: file(fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, "http://"+host+"/other", encoded))}, "credentials for HOST: none found", "log in"},
		"none":             {registry.Options{}, "credentials for HOST: none found", "log in"},
		"login, elsewhere": {registry.Options{Login: &registry.Login{Registry: "example.org", Username: user, Password: password}}, "credentials for HOST: none found", "log in"},
		"wrong":            {registry.Options{Login: &registry.Login{Registry: host, Username: user, Password: password + "!"}}, "credentials for HOST: refused", "log in anew"},
		"file, missing":    {registry.Options{AuthFile: "/none"}, "credentials: open /none", ""},
		"file, malformed":  {registry.Options{AuthFile: file(password)}, "not in the format of containers-auth.json(5)", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.o.Getenv = func(string) string { return "" }
			check(t, pushOne(t, c.o, host+"/team/a"), strings.ReplaceAll(c.want, "HOST", host), c.next)
		})
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(registrytest.Start(t))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "https://")
	check(t, pushOne(t, registry.Options{}, host), "registry "+host+": certificate not trusted", "--ca-file")

	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	check(t, pushOne(t, registry.Options{CAFile: file}, host), "", "")
	check(t, pushOne(t, registry.Options{CAFile: os.DevNull}, host), "certificates /dev/null: no certificate in PEM format", "")
	check(t, pushOne(t, registry.Options{CAFile: "/none"}, host), "certificates: open /none", "")
}

func TestDown(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := l.Addr().String()
	l.Close()
	check(t, pushOne(t, registry.Options{}, host), "registry "+host+": not reachable: dial tcp", "whether it runs")
}

func TestDestinations(t *testing.T) {
	t.Parallel()
	c := newClient(t, registry.Options{})
	for text, want := range map[string]string{
		"example.org":          "",
		"example.org/a/b/":     "",
		"localhost/a":          "",
		"[::1]:5000":           "",
		"docker.io/somebody":   "",
		"somebody":             `registry "somebody": "somebody" is no host`,
		"":                     `registry "": "" is no host`,
		"https://example.org":  "begins with https://",
		"a:secret@example.org": "reference with credentials in it: not taken",
		"example.org/UPPER":    "reference example.org/UPPER/x: repository can only contain",
		"example.org/a:v1":     "reference example.org/a:v1/x: repository can only contain",
		"example.org:port":     "reference example.org:port/x: ",
	} {
		_, err := c.Destination(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells the password: %v", err)
		}
	}
	for _, text := range []string{"example.org/a", "example.org/a:", "example.org/a@sha256:12", "a:b@example.org/a:v1"} {
		if _, err := c.Reference(text); err == nil {
			t.Errorf("%s is taken for a reference", text)
		}
	}
}

package imagebase_test

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"kubedist/pkg/hint"
	"kubedist/pkg/imagebase"
	"kubedist/pkg/registry"
	"kubedist/pkg/registry/registrytest"
	"kubedist/pkg/spec"
)

// TestReferenceBehindLogin takes a base from a registry that has a certificate of a private authority and lets nobody in
// without a password.
func TestReferenceBehindLogin(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	index, images := indexOf(t, amd64, armv7)
	r.Push(t, "a/base:latest", index)
	r.Fail(registrytest.Login("puller", "secret"))
	server := httptest.NewUnstartedServer(r)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "https://")
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	login := &registry.Login{Registry: host, Username: "puller", Password: "secret"}
	for _, c := range []struct {
		o          registry.Options
		want, next string
	}{
		{registry.Options{Login: login, CAFile: ca}, "", ""},
		{registry.Options{Login: login}, "certificate not trusted", "--ca-file"},
		{registry.Options{CAFile: ca}, "credentials for " + host + ": none found", "podman login"},
	} {
		client := clientOf(t, c.o)
		content, err := imagebase.Fetch(t.Context(), imagebase.Options{
			Base: spec.Base{Name: "there", Reference: host + "/a/base@" + digestOf(t, index)}, Platform: platformOf(t, "linux/arm/v7", ""), Registry: client,
		})
		switch {
		case c.want != "":
			if err == nil || !strings.HasPrefix(err.Error(), "base there: ") || !strings.Contains(err.Error(), c.want) || !strings.Contains(hint.Of(err), c.next) {
				t.Errorf("got %v (hint: %s), want %q (%q)", err, hint.Of(err), c.want, c.next)
			}
		case err != nil:
			t.Error(err)
		default:
			if err := validate.Image(content.Image); err != nil || content.Digest != digestOf(t, images[1]) {
				t.Errorf("got %s, %v", content.Digest, err)
			}
		}
	}
}

// TestReferenceChanged takes a base whose layer is another than the one that is named: who reads it learns of it.
func TestReferenceChanged(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	image := imageFor(t, amd64)
	r.Push(t, "a/base:latest", image)
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	layer, size := digestOf(t, layers[0]), int64(0)
	if size, err = layers[0].Size(); err != nil {
		t.Fatal(err)
	}
	for change, body := range map[string]int64{"other content": size, "shorter": size - 1, "longer": size + 1} {
		r.Fail(func(w http.ResponseWriter, req *http.Request, _ int) bool {
			if req.Method != http.MethodGet || !strings.HasSuffix(req.URL.Path, layer) {
				return false
			}
			_, err := io.WriteString(w, strings.Repeat("x", int(body)))
			return err == nil
		})
		content, err := imagebase.Fetch(t.Context(), imagebase.Options{
			Base: spec.Base{Name: "there", Reference: r.Host + "/a/base@" + digestOf(t, image)}, Platform: platformOf(t, "linux/amd64", ""), Registry: clientOf(t, registry.Options{}),
		})
		if err != nil {
			t.Fatal(err)
		}
		layers, err := content.Image.Layers()
		if err != nil {
			t.Fatal(err)
		}
		f, err := layers[0].Compressed()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(f)
		f.Close()
		if err == nil || !strings.Contains(err.Error(), layer) || int64(len(data)) >= size || hint.Of(err) == "" {
			t.Errorf("%s: read %d bytes, %v", change, len(data), err)
		}
	}
}

func clientOf(t testing.TB, o registry.Options) *registry.Client {
	t.Helper()
	o.Backoff = remote.Backoff{Duration: time.Millisecond, Steps: 1}
	c, err := registry.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

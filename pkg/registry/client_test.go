package registry_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"kubedist/pkg/hint"
	"kubedist/pkg/ocilayout"
	"kubedist/pkg/registry"
	"kubedist/pkg/registry/registrytest"
)

// TestGetOtherBytes asks a registry by digest, which answers something else and says in the header that it has the digest.
// Of signed manifests of schema 1 the library believes that.
func TestGetOtherBytes(t *testing.T) {
	t.Parallel()
	const promised, other = `{"schemaVersion": 2}`, `{"schemaVersion": 2, "manifests": []}`
	want, _, err := v1.SHA256(strings.NewReader(promised))
	if err != nil {
		t.Fatal(err)
	}
	has, size, err := v1.SHA256(strings.NewReader(other))
	if err != nil {
		t.Fatal(err)
	}
	for _, mediaType := range []types.MediaType{types.DockerManifestSchema1Signed, types.DockerManifestSchema1, types.OCIManifestSchema1} {
		r := registrytest.Start(t)
		body := promised
		r.Fail(func(w http.ResponseWriter, req *http.Request, _ int) bool {
			if !strings.Contains(req.URL.Path, "/manifests/") {
				return false
			}
			if req.Method == http.MethodHead {
				registrytest.Answer(w, http.StatusMethodNotAllowed, "")
				return true
			}
			w.Header().Set("Content-Type", string(mediaType))
			w.Header().Set("Docker-Content-Digest", want.String())
			_, err := io.WriteString(w, body)
			return err == nil
		})
		c := newClient(t, registry.Options{})
		byDigest, err := c.Reference(r.Host + "/a/b@" + want.String())
		if err != nil {
			t.Fatal(err)
		}
		byTag, err := c.Reference(r.Host + "/a/b:v1")
		if err != nil {
			t.Fatal(err)
		}
		if d, raw, err := c.Get(t.Context(), byDigest); err != nil || string(raw) != promised || d.Digest != want {
			t.Errorf("%s: got %s, %q, %v", mediaType, d.Digest, raw, err)
		}
		body = other
		_, raw, err := c.Get(t.Context(), byDigest)
		if err == nil || raw != nil || !strings.Contains(err.Error(), has.String()) || hint.Of(err) == "" {
			t.Errorf("%s: got %q, %v (hint: %s)", mediaType, raw, err, hint.Of(err))
		}
		if mediaType == types.DockerManifestSchema1Signed && !errors.Is(err, ocilayout.ErrDamaged) {
			t.Errorf("%s: got %v", mediaType, err)
		}
		if d, err := c.Head(t.Context(), byDigest); err == nil {
			t.Errorf("%s: head by digest: %+v", mediaType, d)
		}
		if d, _, err := c.Get(t.Context(), byTag); err != nil || d.Digest != has || d.Size != size || d.MediaType != mediaType {
			t.Errorf("%s: by tag: got %+v, %v, want %s", mediaType, d, err, has)
		}
		if d, err := c.Head(t.Context(), byTag); err != nil || d.Digest != has || d.Size != size {
			t.Errorf("%s: head by tag: got %+v, %v, want %s", mediaType, d, err, has)
		}
	}
}

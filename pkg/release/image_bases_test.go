package release

import (
	"net/http"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"kubedist/pkg/platform"
	"kubedist/pkg/registry"
	"kubedist/pkg/registry/registrytest"
	"kubedist/pkg/spec"
)

// TestBaseBehindLogin lets a release take a base from a registry that wants the password that the release was given.
func TestBaseBehindLogin(t *testing.T) {
	t.Parallel()
	there := registrytest.Start(t)
	img := registrytest.Image(t, "linux/amd64", registrytest.Layer(t, "etc/motd", []byte("hello")))
	tag, err := name.NewTag(there.Host + "/team/base:1")
	if err == nil {
		err = remote.Write(tag, img)
	}
	if err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	there.Fail(func(w http.ResponseWriter, req *http.Request, _ int) bool {
		if _, password, _ := req.BasicAuth(); password == "secret" {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		registrytest.Answer(w, http.StatusUnauthorized, "UNAUTHORIZED")
		return true
	})
	on := spec.Platform{Platform: platform.Platform{ID: platform.ID{OS: "linux", Arch: "amd64"}}}
	r := &run{Options: &Options{Spec: &spec.Spec{
		Platforms: []spec.Platform{on},
		Bases:     []spec.Base{{Name: "team", Reference: there.Host + "/team/base@" + digest.String()}},
	}}}
	if _, err := r.openBase(t.Context(), "team", Platform{Platform: on.Platform}); err == nil {
		t.Error("the registry wants no password")
	}
	if r.Registry, err = registry.New(registry.Options{Login: &registry.Login{Registry: there.Host, Username: "puller", Password: "secret"}}); err != nil {
		t.Fatal(err)
	}
	base, err := r.openBase(t.Context(), "team", Platform{Platform: on.Platform})
	if err != nil || base.image == nil || base.digest != digest.String() {
		t.Errorf("got %+v, %v", base, err)
	}
}

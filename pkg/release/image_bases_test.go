package release

import (
	"testing"

	"kubedist/pkg/platform"
	"kubedist/pkg/registry"
	"kubedist/pkg/registry/registrytest"
	"kubedist/pkg/spec"
)

// TestBaseBehindLogin lets a release take a base from a registry that wants the password that the release was given.
func TestBaseBehindLogin(t *testing.T) {
	t.Parallel()
	there := registrytest.Start(t)
	digest := there.Push(t, "team/base:1", registrytest.Image(t, "linux/amd64", registrytest.Layer(t, "etc/motd", []byte("hello"))))
	there.Fail(registrytest.Login("puller", "secret"))
	on := spec.Platform{Platform: platform.Platform{ID: platform.ID{OS: "linux", Arch: "amd64"}}}
	r := &run{Options: &Options{Spec: &spec.Spec{
		Platforms: []spec.Platform{on},
		Bases:     []spec.Base{{Name: "team", Reference: there.Host + "/team/base@" + digest.String()}},
	}}}
	if _, err := r.openBase(t.Context(), "team", Platform{Platform: on.Platform}); err == nil {
		t.Error("the registry wants no password")
	}
	var err error
	if r.Registry, err = registry.New(registry.Options{Login: &registry.Login{Registry: there.Host, Username: "puller", Password: "secret"}}); err != nil {
		t.Fatal(err)
	}
	base, err := r.openBase(t.Context(), "team", Platform{Platform: on.Platform})
	if err != nil || base.image == nil || base.digest != digest.String() {
		t.Errorf("got %+v, %v", base, err)
	}
}

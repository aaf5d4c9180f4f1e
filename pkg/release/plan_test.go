package release

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/platform"
	"kubedist/pkg/spec"
	"kubedist/specs"
	"kubedist/templates"
)

var update = flag.Bool("update", false, "write the golden files")

func realSpec(t *testing.T) *spec.Spec {
	t.Helper()
	s, err := spec.Load(specs.FS, templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// inputs is what the sources of a v1.36.3 release tell a plan.
func inputs(version string) Inputs {
	plugins := "github.com/containernetworking/plugins/plugins/"
	return Inputs{
		Version:  version,
		Versions: map[string]string{"kubernetes": version, "cni-plugins": "v1.9.1", "cri-tools": "v1.36.0", "etcd": "v3.6.8", "coredns": "v1.14.2", "metrics-server": "v0.9.0"},
		Tags:     map[string]string{"etcd": "3.6.8-0", "pause": "3.10.2"},
		Found:    map[string]map[string][]string{"cni-plugins": {"linux": {plugins + "ipam/host-local", plugins + "main/bridge", plugins + "main/loopback"}}},
	}
}

func ids(t *testing.T, names ...string) []platform.ID {
	t.Helper()
	var list []platform.ID
	for _, name := range names {
		id, err := platform.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, id)
	}
	return list
}

// golden compares got with testdata/name, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; with -update it is written anew. Got:\n%s", path, got)
	}
}

func TestPlanGolden(t *testing.T) {
	t.Parallel()
	s := realSpec(t)
	host := platform.ID{OS: "linux", Arch: "amd64"}
	for name, sel := range map[string]Selection{
		"all":           {Revision: "1.1", Host: host, Until: Publish},
		"kubectl":       {Revision: "1.1", Host: host, Until: Publish, Packages: []string{"kubectl"}, Platforms: ids(t, "linux/arm/v7")},
		"build-only":    {Host: host, Until: Build, Platforms: ids(t, "linux/s390x", "windows/amd64")},
		"tarballs-only": {Host: host, Until: Tars, Platforms: ids(t, "linux/arm64")},
		"no-images":     {Revision: "1.1", Host: host, Until: Publish, NoImages: true, Platforms: ids(t, "linux/amd64")},
		"images-only":   {Host: host, Until: Images, Platforms: ids(t, "linux/arm/v7")},
		// An image that a release does not hold; nobody is asked which others there should be.
		"image": {Host: host, Until: Images, Images: []string{"metrics-server"}, Platforms: ids(t, "linux/arm64")},
		// kubelet is linked with the C library where there is a compiler for it, and its package says so.
		"official": {Revision: "1.1", Host: host, Until: Debs, Profile: "official", Packages: []string{"kubelet"}, Platforms: ids(t, "linux/arm64", "linux/riscv64")},
		"programs": {Host: host, Until: Publish, Profile: "official", Programs: []string{"kubelet", "kubectl"}, Platforms: ids(t, "linux/amd64", "darwin/arm64")},
		// A host that is no platform of the release compiles the tools for itself all the same.
		"foreign-host": {Revision: "2", Host: platform.ID{OS: "freebsd", Arch: "amd64"}, Until: Debs, Platforms: ids(t, "linux/amd64")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan, err := NewPlan(s, inputs("v1.36.3"), sel)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := plan.Write(&b); err != nil {
				t.Fatal(err)
			}
			golden(t, "plan/"+name+".txt", b.Bytes())
		})
	}
}

// TestPlanKnown plans a release whose stamp is known: programs of passes with dates of their own are compiled apart.
func TestPlanKnown(t *testing.T) {
	t.Parallel()
	s := realSpec(t)
	in := inputs("v1.34.0")
	in.Known, _ = s.Release("v1.34.0")
	plan, err := NewPlan(s, in, Selection{Programs: []string{"kubeadm", "kubelet", "kubectl", "crictl"}, Platforms: ids(t, "linux/amd64"), Until: Build})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range plan.Platforms[0].Compiles {
		got = append(got, c.label()+" "+c.BuildDate.Format(time.RFC3339))
	}
	want := []string{"kubeadm kubelet 2025-08-27T10:15:59Z", "kubectl 0001-01-01T00:00:00Z", "crictl 0001-01-01T00:00:00Z"}
	if !slices.Equal(got, want) {
		t.Errorf("compiles are %q, want %q", got, want)
	}
}

func TestPlanRefusesSelections(t *testing.T) {
	t.Parallel()
	s := realSpec(t)
	for want, sel := range map[string]Selection{
		"profile fast: not in specs/profiles.yaml":          {Profile: "fast"},
		"program genman: not in specs/binaries.yaml":        {Programs: []string{"genman"}},
		"image kube-dns: not in specs/images.yaml":          {Images: []string{"kube-dns"}},
		"nothing to make: none of what was selected":        {Programs: []string{"kubeadm"}, Platforms: ids(t, "windows/amd64")},
		"platform plan9/amd64: not in specs/platforms.yaml": {Platforms: ids(t, "plan9/amd64")},
	} {
		_, err := NewPlan(s, inputs("v1.36.3"), sel)
		var selection *SelectionError
		if !errors.As(err, &selection) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestPlanIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	s := realSpec(t)
	sel := Selection{Revision: "1.1", Host: platform.ID{OS: "linux", Arch: "amd64"}, Until: Publish, Platforms: ids(t, "linux/s390x", "linux/amd64", "linux/s390x")}
	var first bytes.Buffer
	for i := range 5 {
		plan, err := NewPlan(s, inputs("v1.36.3"), sel)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := plan.Write(&b); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = b
		} else if b.String() != first.String() {
			t.Fatalf("plan %d differs from the first", i+1)
		}
	}
	if n := strings.Count(first.String(), "\nlinux/s390x\n"); n != 1 {
		t.Errorf("a platform that was named twice is planned %d times", n)
	}
}

func TestPreReleaseVersions(t *testing.T) {
	t.Parallel()
	plan, err := NewPlan(realSpec(t), inputs("v1.37.0-alpha.1"), Selection{Revision: "1.1", Host: platform.ID{OS: "linux", Arch: "amd64"}, Until: Publish, Platforms: ids(t, "linux/arm/v7")})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range plan.Platforms {
		for _, pkg := range p.Packages {
			if pkg.Name == "kubeadm" && pkg.File() != "kubeadm_1.37.0~alpha.1-1.1_armhf.deb" {
				t.Errorf("package file %s", pkg.File())
			}
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	s := realSpec(t)
	host := platform.ID{OS: "linux", Arch: "amd64"}
	for name, c := range map[string]struct {
		in   Inputs
		sel  Selection
		want string
	}{
		"version":  {inputs("1.36"), Selection{Host: host}, `version "1.36": not a version`},
		"platform": {inputs("v1.36.3"), Selection{Host: host, Platforms: ids(t, "linux/mips")}, "platform linux/mips: not in specs/platforms.yaml"},
		"package":  {inputs("v1.36.3"), Selection{Host: host, Packages: []string{"kubelt"}}, "package kubelt: not in specs/packages"},
		"no programs in a group": {
			Inputs{Version: "v1.36.3", Versions: inputs("v1.36.3").Versions}, Selection{Host: host, Revision: "1.1"},
			"binary cni-plugins: no main package under ./plugins/ipam/..., ./plugins/main/..., ./plugins/meta/... for linux/amd64",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := NewPlan(s, c.in, c.sel)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

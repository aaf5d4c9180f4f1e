package release

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
		Versions: map[string]string{"kubernetes": version, "cni-plugins": "v1.9.1", "cri-tools": "v1.36.0"},
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

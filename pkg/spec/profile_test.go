package spec_test

import (
	"strings"
	"testing"

	"kubedist/pkg/platform"
	"kubedist/pkg/spec"
	"kubedist/specs"
	"kubedist/templates"
)

func TestOfficialProfile(t *testing.T) {
	t.Parallel()
	s, err := spec.Load(specs.FS, templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	official, ok := s.Profile("official")
	if !ok {
		t.Fatal("there is no profile official")
	}
	for _, c := range []struct {
		profile                   spec.Profile
		binary, version, platform string
		want                      spec.Link
		cc                        string
	}{
		{official, "kubelet", "v1.34.0", "linux/amd64", spec.CLinked, ""},
		{official, "kubelet", "v1.36.9", "linux/arm/v7", spec.CLinked, "arm-linux-gnueabihf-gcc"},
		{official, "kubelet", "v1.36.3", "linux/s390x", spec.CLinked, "s390x-linux-gnu-gcc"},
		{official, "kubelet", "v1.37.0-alpha.1", "linux/arm64", spec.Static, "aarch64-linux-gnu-gcc"},
		{official, "kubelet", "v1.34.0", "linux/riscv64", spec.Static, "riscv64-linux-gnu-gcc"},
		{official, "kubeadm", "v1.34.0", "linux/amd64", spec.Static, ""},
		{spec.Profile{}, "kubelet", "v1.34.0", "linux/amd64", spec.Static, ""},
	} {
		b, _ := s.Binary(c.binary)
		id, err := platform.Parse(c.platform)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.profile.LinkOf(b, c.version, id); got != c.want {
			t.Errorf("%s %s for %s by %q: %s, want %s", c.binary, c.version, c.platform, c.profile.Name, got, c.want)
		}
		if p, _ := s.Platform(id); official.Cgo.CC(p.Platform) != c.cc {
			t.Errorf("compiler for %s is %q, want %q", c.platform, official.Cgo.CC(p.Platform), c.cc)
		}
	}
	if _, ok := s.Profile("fast"); ok {
		t.Error("there is a profile fast")
	}
}

// smallProfile follows small, line 64 on.
const smallProfile = `profiles:
  - name: official
    summary: as others do
    links:
      - {binary: kubeadm, versions: "<1.37", link: cgo}
      - {binary: kubeadm, versions: ">=1.37", link: static}
    cgo:
      image: build/VERSION
      host: linux/amd64
      platforms: [linux/amd64]
`

func TestProfileNamesTheMistake(t *testing.T) {
	t.Parallel()
	good := strings.Replace(small, "    roles: [server, node, client]", "    triplet: x86_64-linux-gnu\n    roles: [server, node, client]", 1)
	if _, err := loadText(good + smallProfile); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, old, new, want string }{
		{"no summary", "    summary: as others do\n", "", "specs/all.yaml:66: summary: missing"},
		{"program", "binary: kubeadm, versions: \"<", "binary: kubead, versions: \"<", `specs/all.yaml:69: binary: "kubead" is not a declared program`},
		{"group", "binary: kubeadm, versions: \"<", "binary: plugins, versions: \"<", `specs/all.yaml:69: binary: "plugins" is not a declared program`},
		{"link", "link: cgo", "link: dynamic", `specs/all.yaml:69: link: "dynamic" is not known`},
		{"overlap", ">=1.37", ">=1.36", "specs/all.yaml:70: versions: >=1.36.0 overlaps <1.37.0 of entry 1"},
		{"no image", "      image: build/VERSION\n", "", "specs/all.yaml:72: image: missing"},
		{"image elsewhere", "build/VERSION", "../VERSION", `specs/all.yaml:72: image: "../VERSION" is not a clean path`},
		{"host", "host: linux/amd64", "host: linux", `specs/all.yaml:73: host: platform "linux"`},
		{"platform", "platforms: [linux/amd64]", "platforms: [linux/arm64]", `specs/all.yaml:74: platforms: "linux/arm64" is not declared with a triplet`},
		{"no compiler", smallProfile[strings.Index(smallProfile, "    cgo:"):], "", `specs/all.yaml:69: link: "cgo" needs the profile to say under cgo what compiles C`},
	} {
		_, err := loadText(good + strings.Replace(smallProfile, test.old, test.new, 1))
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %s", test.name, err, test.want)
		}
	}
}

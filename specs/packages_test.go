package specs_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kubedist/pkg/deb"
	"kubedist/pkg/spec"
)

var update = flag.Bool("update", false, "write the golden files under testdata anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs, -update writes it anew; got:\n%s\nwant:\n%s", path, got, want)
	}
}

// TestPackages compares the control paragraph for every architecture, and the contents, of every package with what they
// were when somebody last looked at them.
func TestPackages(t *testing.T) {
	t.Parallel()
	s := load(t)
	for _, p := range s.Packages {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			var control strings.Builder
			for _, platform := range s.Platforms {
				if platform.Debian == "" || !platform.Serves(p.Roles) {
					continue
				}
				var archive bytes.Buffer
				if err := deb.Write(t.Context(), &archive, render(t, s, p, platform.Debian), deb.Options{}); err != nil {
					t.Fatal(err)
				}
				info, err := deb.Read(t.Context(), &archive, deb.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&control, "%s\n", info.Control)
			}
			golden(t, p.Name+".control", control.String())
			golden(t, p.Name+".contents", contents(render(t, s, p, "amd64")))
		})
	}
}

// contents lists what a package installs, and shows the files that were written for it.
func contents(p deb.Package) string {
	slices.SortFunc(p.Files, func(a, b deb.File) int { return strings.Compare(a.Path, b.Path) })
	var list, text strings.Builder
	for _, f := range p.Files {
		kind := "file"
		switch {
		case f.Dir:
			kind = "directory"
		case f.Config:
			kind = "conffile"
		case f.Mode == 0o755:
			kind = "program"
		}
		fmt.Fprintf(&list, "%-9s %s\n", kind, f.Path)
		if bytes.Count(f.Data, []byte("\n")) > 1 && !strings.HasSuffix(f.Path, ".gz") {
			fmt.Fprintf(&text, "\n==> %s\n%s", f.Path, f.Data)
		}
	}
	return list.String() + text.String()
}

func TestRelationsFollowTheVersion(t *testing.T) {
	t.Parallel()
	s := load(t)
	for _, test := range []struct {
		pkg, version string
		want         []string
	}{
		{"kubeadm", "v1.30.0", []string{"kubelet (>= 1.19.0)", "kubectl (>= 1.19.0)", "kubernetes-cni (>= 1.2.0)", "cri-tools (>= 1.30.0)"}},
		{"kubeadm", "v1.31.14", []string{"kubelet (>= 1.19.0)", "kubectl (>= 1.19.0)", "kubernetes-cni (>= 1.2.0)", "cri-tools (>= 1.30.0)"}},
		{"kubeadm", "v1.32.0-alpha.1", nil},
		{"kubeadm", "v1.36.3", nil},
		{"kubelet", "v1.34.0", []string{"kubernetes-cni (>= 1.2.0)", "mount", "util-linux"}},
		{"kubelet", "v1.37.0-rc.0", []string{"kubernetes-cni (>= 1.2.0)", "mount", "util-linux"}},
		{"kubectl", "v1.36.3", nil},
		{"kubernetes-cni", "v1.9.1", nil},
		{"cri-tools", "v1.36.0", nil},
	} {
		i := slices.IndexFunc(s.Packages, func(p spec.Package) bool { return p.Name == test.pkg })
		relations, err := s.Packages[i].RelationsFor(test.version)
		if err != nil || !slices.Equal(relations.Depends, test.want) {
			t.Errorf("%s %s depends on %q, %v; want %q", test.pkg, test.version, relations.Depends, err, test.want)
		}
	}
}

// TestOverridesHaveReasons: a lintian tag is overridden only under a comment that says why.
func TestOverridesHaveReasons(t *testing.T) {
	t.Parallel()
	s := load(t)
	for _, p := range s.Packages {
		found := false
		for _, f := range render(t, s, p, "amd64").Files {
			if f.Path != "/usr/share/lintian/overrides/"+p.Name {
				continue
			}
			found = true
			previous := ""
			for line := range strings.Lines(string(f.Data)) {
				if !strings.HasPrefix(line, "#") && (!strings.HasPrefix(line, p.Name+": ") || !strings.HasPrefix(previous, "#")) {
					t.Errorf("%s: override %q has no reason above it", p.Name, line)
				}
				previous = line
			}
		}
		if !found {
			t.Errorf("%s: no overrides", p.Name)
		}
	}
}

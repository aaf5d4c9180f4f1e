package apt_test

import (
	"errors"
	"strings"
	"testing"

	"kubedist/pkg/apt"
)

func TestMissingArchitectures(t *testing.T) {
	t.Parallel()
	type deb struct{ name, version, arch string }
	both := func(name, version string) []deb { return []deb{{name, version, "amd64"}, {name, version, "arm64"}} }
	for _, c := range []struct {
		name   string
		there  []deb
		add    []deb
		suites []string
		want   string
	}{
		{"the first version", nil, []deb{{"kubeadm", "1.36.1-1", "amd64"}}, all, ""},
		{"a whole version", both("kubeadm", "1.36.1-1"), both("kubeadm", "1.36.2-1"), all, ""},
		{"half a version", both("kubeadm", "1.36.1-1"), []deb{{"kubeadm", "1.36.2-1", "arm64"}}, all, "architecture: suites v1.36, stable: kubeadm 1.36.2-1: missing for amd64, which have 1.36.1-1"},
		{"half a revision", both("kubeadm", "1.36.1-1"), []deb{{"kubeadm", "1.36.1-2", "arm64"}}, all, "missing for amd64, which have 1.36.1-1"},
		{"half an older version", both("kubeadm", "1.36.2-1"), []deb{{"kubeadm", "1.36.1-1", "arm64"}}, all, ""},
		{"half a version between", append(both("kubeadm", "1.36.1-1"), deb{"kubeadm", "1.36.3-1", "arm64"}), []deb{{"kubeadm", "1.36.2-1", "arm64"}}, all, "kubeadm 1.36.2-1: missing for amd64"},
		{"the half that was missing", append(both("kubeadm", "1.36.1-1"), deb{"kubeadm", "1.36.2-1", "arm64"}), []deb{{"kubeadm", "1.36.2-1", "amd64"}}, all, ""},
		{"a new architecture", []deb{{"kubeadm", "1.36.1-1", "amd64"}}, both("kubeadm", "1.36.2-1"), all, ""},
		{"an architecture that was given up", append(both("kubeadm", "1.36.1-1"), deb{"kubeadm", "1.36.2-1", "arm64"}), []deb{{"kubeadm", "1.36.3-1", "arm64"}}, all, ""},
		{"two halves", both("kubeadm", "1.36.1-1"), []deb{{"kubeadm", "1.36.2-1", "arm64"}, {"kubeadm", "1.36.3-1", "amd64"}}, all, "kubeadm 1.36.2-1: missing for amd64"},
		{"another package", append(both("kubeadm", "1.36.1-1"), both("kubectl", "1.36.1-1")...), append(both("kubectl", "1.36.2-1"), deb{"kubeadm", "1.36.2-1", "amd64"}), all, "kubeadm 1.36.2-1: missing for arm64"},
		{"a new minor, in a suite of its own", both("kubeadm", "1.35.9-1"), []deb{{"kubeadm", "1.36.0-1", "amd64"}}, []string{"v1.36"}, "suite v1.36: kubeadm 1.36.0-1: missing for arm64, which have 1.35.9-1"},
		{"not a package of Kubernetes", both("cri-tools", "1.36.1-1"), []deb{{"cri-tools", "1.36.2-1", "amd64"}}, all, ""},
		{"one for all architectures", both("kubeadm", "1.36.1-1"), []deb{{"kubeadm", "1.36.2-1", "all"}}, all, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newArchive(t)
			files := func(list []deb) (paths []string) {
				for _, d := range list {
					paths = append(paths, newDeb(t, d.name, d.version, d.arch))
				}
				return paths
			}
			a.override = []apt.Refusal{apt.RefuseArchitecture}
			there := all
			if len(c.there) > 0 && strings.HasPrefix(c.there[0].version, "1.35") {
				there = []string{"v1.35"}
			}
			for _, file := range files(c.there) {
				a.publish(there, file)
			}
			a.override = nil
			tx := a.begin()
			defer tx.Close()
			if _, err := tx.Add(t.Context(), files(c.add), apt.AddOptions{Suites: c.suites}); err != nil {
				t.Fatal(err)
			}
			_, err := tx.Publish(t.Context(), a.options())
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestCheckArchitectures asks before anything is built.
func TestCheckArchitectures(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1", "amd64"), newDeb(t, "kubeadm", "1.36.1-1", "arm64"))
	check := func(version string, planned map[string][]string) error {
		return apt.CheckArchitectures(t.Context(), apt.Options{Root: a.root, Definition: a.def}, []string{"v1.36", "latest"}, planned, version)
	}
	if err := check("1.36.2-1", map[string][]string{"kubeadm": {"amd64", "arm64"}, "cri-tools": {"amd64"}}); err != nil {
		t.Error(err)
	}
	err := check("1.36.2-1", map[string][]string{"kubeadm": {"arm64"}})
	var refused *apt.RefusedError
	if !errors.As(err, &refused) || refused.Problems[0].Refusal != apt.RefuseArchitecture || !strings.Contains(err.Error(), "suites v1.36, latest: kubeadm 1.36.2-1: missing for amd64, which have 1.36.1-1") {
		t.Errorf("got %v", err)
	}
	if err := apt.CheckArchitectures(t.Context(), apt.Options{Root: t.TempDir(), Definition: a.def}, all, map[string][]string{"kubeadm": {"arm64"}}, "1.36.2-1"); err != nil {
		t.Errorf("an archive that is not there yet: %v", err)
	}
	if err := apt.CheckArchitectures(t.Context(), apt.Options{Root: a.root, Definition: a.def}, []string{"v9"}, nil, "1.36.2-1"); err == nil {
		t.Error("no error about a suite that is not there")
	}
}

package apt_test

import (
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

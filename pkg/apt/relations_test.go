package apt_test

import (
	"strings"
	"testing"

	"kubedist/pkg/apt"
)

// TestDependencies adds kubelet with a Depends field to a suite, of which neighbours say what else is in it.
func TestDependencies(t *testing.T) {
	t.Parallel()
	type deb struct{ name, version, arch, fields string }
	for _, c := range []struct {
		name, depends, distribution string
		neighbours                  []deb
		want                        string // what is missing; "": nothing
	}{
		{name: "nothing", depends: ""},
		{name: "the distribution, any version", depends: "iptables (>= 99)", distribution: "iptables"},
		{name: "the distribution has enough", depends: "libc6 (>= 2.34)", distribution: `"libc6 (>= 2.36)"`},
		{name: "exactly what it has at least", depends: "libc6 (>= 2.36)", distribution: `"libc6 (>= 2.36)"`},
		{name: "more than it has", depends: "libc6 (>= 2.38)", distribution: `"libc6 (>= 2.36)"`, want: "libc6 (>= 2.38)"},
		{name: "strictly more", depends: "libc6 (>> 2.36)", distribution: `"libc6 (>= 2.36)"`, want: "libc6 (>> 2.36)"},
		{name: "strictly more, declared so", depends: "libc6 (>> 2.36)", distribution: `"libc6 (>> 2.36)"`},
		{name: "a tilde sorts before the end", depends: "libc6 (>= 2.36)", distribution: `"libc6 (>= 2.36~rc1)"`, want: "libc6 (>= 2.36)"},
		{name: "an epoch sorts above all", depends: "libc6 (>= 2.99)", distribution: `"libc6 (>= 1:0.1)"`},
		{name: "no upper bound is known", depends: "libc6 (<< 3)", distribution: `"libc6 (>= 2.36)"`, want: "libc6 (<< 3)"},
		{name: "an upper bound is declared", depends: "libc6 (<< 3), libc6 (>= 2)", distribution: `"libc6 (>= 2.36)", "libc6 (<= 2.99)"`},
		{name: "an upper bound, strictly", depends: "libc6 (<= 3)", distribution: `"libc6 (<< 3)"`},
		{name: "too high an upper bound", depends: "libc6 (<< 3)", distribution: `"libc6 (<= 3)"`, want: "libc6 (<< 3)"},
		{name: "exact", depends: "libc6 (= 2.36-9)", distribution: `"libc6 (= 2.36-9)"`},
		{name: "another exact", depends: "libc6 (= 2.36-9)", distribution: `"libc6 (= 2.36-10)"`, want: "libc6 (= 2.36-9)"},
		{name: "exact is within a range", depends: "libc6 (>= 2)", distribution: `"libc6 (= 2.36-9)"`},
		{name: "a range is not exact", depends: "libc6 (= 2.36-9)", distribution: `"libc6 (>= 2.36-9)"`, want: "libc6 (= 2.36-9)"},
		{name: "no version asked for", depends: "libc6", distribution: `"libc6 (>= 2.36)"`},
		{name: "of another architecture", depends: "libc6", distribution: `"libc6:arm64"`, want: "libc6"},
		{name: "of this architecture", depends: "libc6", distribution: `"libc6:amd64 (>= 2)"`},
		{name: "any architecture of the distribution", depends: "python3:any (>= 3.9)", distribution: `"python3 (>= 3.11)"`},
		{name: "first alternative", depends: "cni | nothing", neighbours: []deb{{"cni", "1", "amd64", ""}}},
		{name: "last alternative", depends: "nothing | nothing-else (= 1) | cni (>= 1)", neighbours: []deb{{"cni", "1", "amd64", ""}}},
		{name: "alternative of the distribution", depends: "nothing | mount", distribution: "mount"},
		{name: "no alternative", depends: "nothing | cni (>= 2)", neighbours: []deb{{"cni", "1", "amd64", ""}}, want: "nothing | cni (>= 2)"},
		{name: "any of two versions", depends: "cni (= 1)", neighbours: []deb{{"cni", "1", "amd64", ""}, {"cni", "2", "amd64", ""}}},
		{name: "a package for all architectures", depends: "cni", neighbours: []deb{{"cni", "1", "all", ""}}},
		{name: "a package of another architecture", depends: "cni", neighbours: []deb{{"cni", "1", "arm64", ""}}, want: "cni"},
		{name: "virtual", depends: "runtime", neighbours: []deb{{"containerd", "1", "amd64", "Provides: other, runtime"}}},
		{name: "virtual without a version is no version", depends: "runtime (>= 1)", neighbours: []deb{{"containerd", "1", "amd64", "Provides: runtime"}}, want: "runtime (>= 1)"},
		{name: "virtual with a version", depends: "runtime (>= 2)", neighbours: []deb{{"containerd", "1", "amd64", "Provides: runtime (= 2.1)"}}},
		{name: "virtual with too low a version", depends: "runtime (>= 2)", neighbours: []deb{{"containerd", "9", "amd64", "Provides: runtime (= 1.9)"}}, want: "runtime (>= 2)"},
		{name: "virtual with a relation that says nothing", depends: "runtime (>= 2)", neighbours: []deb{{"containerd", "1", "amd64", "Provides: runtime (>= 3)"}}, want: "runtime (>= 2)"},
		{name: "virtual on a continuation line", depends: "runtime", neighbours: []deb{{"containerd", "1", "amd64", "provides: other,\n runtime (= 2),\n third"}}},
		{name: "a real package beside the virtual one", depends: "runtime (>= 2)", neighbours: []deb{{"containerd", "1", "amd64", "Provides: runtime"}, {"runtime", "2", "amd64", ""}}},
		{name: "any architecture, allowed", depends: "cni:any", neighbours: []deb{{"cni", "1", "amd64", "Multi-Arch: allowed"}}},
		{name: "any architecture, not allowed", depends: "cni:any", neighbours: []deb{{"cni", "1", "amd64", "Multi-Arch: foreign"}}, want: "cni:any"},
		{name: "this architecture by name", depends: "cni:amd64", neighbours: []deb{{"cni", "1", "amd64", ""}}},
		{name: "another architecture by name", depends: "cni:arm64", neighbours: []deb{{"cni", "1", "amd64", ""}, {"cni", "1", "arm64", ""}}, want: "cni:arm64"},
		{name: "on several lines", depends: "cni,\n nothing\n (>= 1)", neighbours: []deb{{"cni", "1", "amd64", ""}}, want: "nothing (>= 1)"},
		{name: "not a relation", depends: "cni (1)", neighbours: []deb{{"cni", "1", "amd64", ""}}, want: `relation "cni (1)"`},
		{name: "for sources only", depends: "cni [amd64]", neighbours: []deb{{"cni", "1", "amd64", ""}}, want: "relation"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newArchive(t)
			a.def = definition(t, append([]string{"[iptables, libc6, mount, util-linux]", "[" + c.distribution + "]"}, twoArchs...)...)
			fields := []string{"Section: admin"}
			if c.depends != "" {
				fields = append(fields, "Depends: "+c.depends)
			}
			debs := []string{newDeb(t, "kubelet", "1.36.3-1.1", "amd64", fields...)}
			for _, n := range c.neighbours {
				fields := []string{"Section: admin"}
				if n.fields != "" {
					fields = append(fields, n.fields)
				}
				debs = append(debs, newDeb(t, n.name, n.version, n.arch, fields...))
			}
			tx := a.begin()
			defer tx.Close()
			if _, err := tx.Add(t.Context(), debs, apt.AddOptions{Suites: []string{"v1.36"}}); err != nil {
				t.Fatal(err)
			}
			_, err := tx.Publish(t.Context(), a.options())
			if c.want == "" && err != nil {
				t.Error(err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), "kubelet 1.36.3-1.1 (amd64): field Depends: ") || !strings.HasSuffix(err.Error(), "has "+c.want) && !strings.HasPrefix(c.want, "relation")) {
				t.Errorf("got %v, want %q missing", err, c.want)
			}
		})
	}
}

// TestRemovedDependency refuses to take away what a package of Kubernetes needs, and does not ask again about what was
// overridden once.
func TestRemovedDependency(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubelet", "1.36.3-1.1", "amd64", "Pre-Depends: kubernetes-cni (>= 1.9)"), newDeb(t, "kubernetes-cni", "1.9.1-1.1", "amd64"),
		newDeb(t, "kubernetes-cni", "1.8.0-1.1", "amd64"), newDeb(t, "docs", "1-1", "all"))
	remove := func(what string, override ...apt.Refusal) (*apt.Result, error) {
		t.Helper()
		selector, err := apt.ParseSelector(what)
		if err != nil {
			t.Fatal(err)
		}
		tx := a.begin()
		defer tx.Close()
		if removed, err := tx.Remove(t.Context(), apt.RemoveOptions{Suite: "stable", Selector: selector}); err != nil || len(removed) != 1 {
			t.Fatalf("removed %v, %v", removed, err)
		}
		o := a.options()
		o.Override = override
		return tx.Publish(t.Context(), o)
	}
	if _, err := remove("kubernetes-cni (<< 1.9)"); err != nil {
		t.Errorf("removing what nothing needs: %v", err)
	}
	const want = "dependency: suite stable: kubelet 1.36.3-1.1 (amd64): field Pre-Depends: neither the suite nor the distribution has kubernetes-cni (>= 1.9)"
	if _, err := remove("kubernetes-cni"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	if result, err := remove("kubernetes-cni", apt.RefuseDependency); err != nil || len(result.Warnings) != 1 {
		t.Errorf("overridden: %+v, %v", result, err)
	}
	if result, err := remove("docs"); err != nil || len(result.Warnings) != 0 {
		t.Errorf("removing something else afterwards: %+v, %v", result, err)
	}
}

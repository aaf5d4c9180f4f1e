package apt_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"kubedist/pkg/apt"
	"kubedist/pkg/hint"
)

// rules gives the suite stable of the definition other rules.
func rules(t *testing.T, rules string) *apt.Definition {
	t.Helper()
	return definition(t, append([]string{`{name: stable, accepts: ">=1.0.0", minors: 4}`, `{name: stable, accepts: ">=1.0.0", ` + rules + `}`}, twoArchs...)...)
}

// retired words what a publishing let go.
func retired(result *apt.Result) string {
	var all []string
	for _, r := range result.Retired {
		all = append(all, fmt.Sprintf("%s %s %s %s by %s", r.Suite, r.Package, r.Version, r.Architecture, r.Rule))
	}
	return strings.Join(all, ", ")
}

func TestRetention(t *testing.T) {
	t.Parallel()
	type deb struct{ name, version, arch, field string }
	const x = "Section: x"
	versions := func(name string, versions ...string) (list []deb) {
		for _, v := range versions {
			list = append(list, deb{name, v, "amd64", x})
		}
		return list
	}
	for _, c := range []struct {
		name, rules string
		debs        []deb
		want        string // what stays of those in the order of List
	}{
		{"fewer than keep", "keep: 3", versions("tool", "1", "2", "3"), "tool 1 [amd64], tool 2 [amd64], tool 3 [amd64]"},
		{"the newest by version, not by name", "keep: 2", versions("tool", "9", "10", "10~rc1", "1:0.1"), "tool 10 [amd64], tool 1:0.1 [amd64]"},
		{"each name for itself", "keep: 1", append(versions("tool", "1", "2"), versions("other", "1")...), "other 1 [amd64], tool 2 [amd64]"},
		{"each architecture for itself", "keep: 1", append(versions("tool", "1", "2"), deb{"tool", "1", "arm64", x}), "tool 1 [arm64], tool 2 [amd64]"},
		{"one for all architectures", "keep: 1", []deb{{"docs", "1", "all", x}, {"docs", "2", "all", x}}, "docs 2 [all]"},
		{"needed in that very version", "keep: 1", append(versions("lib", "1", "2", "3"), deb{"tool", "1", "amd64", "Depends: lib (= 2)"}), "lib 2 [amd64], lib 3 [amd64], tool 1 [amd64]"},
		{"needed below a version", "keep: 1", append(versions("lib", "1", "2", "3"), deb{"tool", "1", "amd64", "Pre-Depends: lib (<< 3)"}), "lib 2 [amd64], lib 3 [amd64], tool 1 [amd64]"},
		{"the newest will do", "keep: 1", append(versions("lib", "1", "2", "3"), deb{"tool", "1", "amd64", "Depends: lib (>= 1)"}), "lib 3 [amd64], tool 1 [amd64]"},
		{"an alternative that stays will do", "keep: 1", append(versions("lib", "1", "2"), deb{"tool", "1", "amd64", "Depends: lib (= 1) | lib (= 2)"}), "lib 2 [amd64], tool 1 [amd64]"},
		{"the distribution will do", "keep: 1", append(versions("mount", "1", "2"), deb{"tool", "1", "amd64", "Depends: mount (= 1)"}), "mount 2 [amd64], tool 1 [amd64]"},
		{"needed by what is needed", "keep: 1", append(versions("lib", "1", "2"), deb{"mid", "1", "amd64", "Depends: lib (= 1)"}, deb{"mid", "2", "amd64", x}, deb{"tool", "1", "amd64", "Depends: mid (= 1)"}), "lib 1 [amd64], lib 2 [amd64], mid 1 [amd64], mid 2 [amd64], tool 1 [amd64]"},
		{"needed by what goes", "keep: 1", append(versions("lib", "1", "2"), deb{"tool", "1", "amd64", "Depends: lib (= 1)"}, deb{"tool", "2", "amd64", x}), "lib 2 [amd64], tool 2 [amd64]"},
		{"two old ones that need each other", "keep: 1", []deb{{"a1", "1", "amd64", "Depends: b1 (= 1)"}, {"b1", "1", "amd64", "Depends: a1 (= 1)"}, {"a1", "2", "amd64", x}, {"b1", "2", "amd64", x}}, "a1 2 [amd64], b1 2 [amd64]"},
		{"needed as a virtual package", "keep: 1", []deb{{"lib", "1", "amd64", "Provides: abi-1"}, {"lib", "2", "amd64", "Provides: abi-2"}, {"tool", "1", "amd64", "Depends: abi-1"}}, "lib 1 [amd64], lib 2 [amd64], tool 1 [amd64]"},
		{"needed on one architecture", "keep: 1", []deb{{"lib", "1", "amd64", x}, {"lib", "2", "amd64", x}, {"lib", "1", "arm64", x}, {"lib", "2", "arm64", x}, {"tool", "1", "arm64", "Depends: lib (= 1)"}}, "lib 1 [arm64], lib 2 [amd64 arm64], tool 1 [arm64]"},
		{"minors", "minors: 2", append(versions("kubeadm", "1.33.9-1", "1.34.0-1", "1.35.1-1", "1.36.0-1"), versions("kubectl", "1.34.1-1", "1.35.0-1", "1.35.1-1")...), "kubeadm 1.35.1-1 [amd64], kubeadm 1.36.0-1 [amd64], kubectl 1.34.1-1 [amd64], kubectl 1.35.0-1 [amd64], kubectl 1.35.1-1 [amd64]"},
		{"a package that the newest minor does not have yet", "minors: 1", append(versions("kubeadm", "1.36.3-1", "1.37.0-1"), versions("kubelet", "1.36.2-1", "1.36.3-1")...), "kubeadm 1.37.0-1 [amd64], kubelet 1.36.2-1 [amd64], kubelet 1.36.3-1 [amd64]"},
		{"1.9 is older than 1.10", "minors: 1", versions("kubeadm", "1.9.0-1", "1.10.0-1"), "kubeadm 1.10.0-1 [amd64]"},
		{"minors are those of Kubernetes", "minors: 1", append(versions("kubeadm", "1.35.1-1", "1.36.0-1"), versions("cri-tools", "1.34.0", "1.36.0")...), "cri-tools 1.34.0 [amd64], cri-tools 1.36.0 [amd64], kubeadm 1.36.0-1 [amd64]"},
		{"an older minor that is needed", "minors: 1", append(versions("kubelet", "1.35.1-1", "1.35.2-1", "1.36.0-1"), deb{"kubeadm", "1.36.0-1", "amd64", "Depends: kubelet (<< 1.36)"}), "kubeadm 1.36.0-1 [amd64], kubelet 1.35.2-1 [amd64], kubelet 1.36.0-1 [amd64]"},
		{"both rules", "minors: 2, keep: 1", versions("kubeadm", "1.34.0-1", "1.35.0-1", "1.36.0-1", "1.36.1-1"), "kubeadm 1.36.1-1 [amd64]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newArchive(t)
			a.def = rules(t, c.rules)
			var files []string
			for _, d := range c.debs {
				files = append(files, newDeb(t, d.name, d.version, d.arch, d.field))
			}
			a.override = []apt.Refusal{apt.RefuseDependency} // what is missing altogether is no matter here
			once := a.publish([]string{"stable"}, files...)
			if got := a.versions("stable"); got != c.want {
				t.Errorf("all at once: got %s, want %s", got, c.want)
			}
			if stay := strings.Count(c.want, "]"); len(once.Retired) == 0 && stay != len(files) {
				t.Errorf("said nothing about what went")
			}
			// The same packages must stay whatever the order in which they come, but for what was needed too late.
			if strings.HasPrefix(c.name, "needed") || strings.Contains(c.name, "needed") {
				return
			}
			slices.Reverse(files)
			b := newArchive(t)
			b.def, b.override = a.def, []apt.Refusal{apt.RefuseDependency, apt.RefuseArchitecture}
			for _, file := range files {
				b.publish([]string{"stable"}, file)
			}
			if got := b.versions("stable"); got != c.want {
				t.Errorf("one by one: got %s, want %s", got, c.want)
			}
			b.mustVerify()
		})
	}
}

// TestRetentionFollowsTheDefinition changes the rules of a published suite: a publishing without packages applies them.
func TestRetentionFollowsTheDefinition(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.def = rules(t, "keep: 0")
	for i := range 4 {
		a.publish(all, newDeb(t, "kubeadm", fmt.Sprintf("1.36.%d-1", i), "amd64"), newDeb(t, "kubeadm", fmt.Sprintf("1.36.%d-1", i), "arm64"))
	}
	if result := a.publish(nil); len(result.Retired) > 0 || result.Suites[0].Published {
		t.Errorf("without rules: %+v", result)
	}
	a.def = rules(t, "keep: 2")
	result := a.publish(nil)
	const want = "stable kubeadm 1.36.0-1 amd64 by keep, stable kubeadm 1.36.0-1 arm64 by keep, stable kubeadm 1.36.1-1 amd64 by keep, stable kubeadm 1.36.1-1 arm64 by keep"
	if got := retired(result); got != want {
		t.Errorf("retired %s, want %s", got, want)
	}
	if result.Suites[0].Published || !result.Suites[1].Published || result.Suites[1].Reason != "content changed" {
		t.Errorf("got %+v, want stable alone published", result.Suites)
	}
	if got := a.versions("stable"); got != "kubeadm 1.36.2-1 [amd64 arm64], kubeadm 1.36.3-1 [amd64 arm64]" {
		t.Errorf("stable has %s", got)
	}
	if got := strings.Count(a.versions("v1.36"), "kubeadm"); got != 4 {
		t.Errorf("v1.36 has %s", a.versions("v1.36"))
	}
	if result := a.publish(nil); len(result.Retired) > 0 || result.Suites[1].Published {
		t.Errorf("again: %+v", result)
	}
	a.mustVerify()
}

// TestLatestFollows publishes the patch releases of two minor versions in the order in which they come out.
func TestLatestFollows(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	for _, step := range []struct{ version, latest, unstable string }{
		{"1.35.4", "1.35.4", "1.35.4"},
		{"1.36.0~rc.0", "1.35.4", "1.35.4 1.36.0~rc.0"},
		{"1.36.0", "1.36.0", "1.35.4 1.36.0~rc.0 1.36.0"},
		{"1.35.5", "1.36.0", "1.35.4 1.35.5 1.36.0~rc.0 1.36.0"},
		{"1.34.9", "1.36.0", "1.35.4 1.35.5 1.36.0~rc.0 1.36.0"},
		{"1.37.0~alpha.1", "1.36.0", "1.36.0~rc.0 1.36.0 1.37.0~alpha.1"},
	} {
		tx := a.begin()
		added, err := tx.Add(t.Context(), []string{newDeb(t, "kubeadm", step.version+"-1.1", "amd64")}, apt.AddOptions{})
		if err != nil {
			t.Fatal(err)
		}
		result, err := tx.Publish(t.Context(), a.options())
		if err != nil {
			t.Fatal(err)
		}
		tx.Close()
		for _, r := range result.Retired {
			if slices.Contains(added[0].Suites, r.Suite) && r.Version == added[0].Version {
				t.Errorf("%s went into suite %s and out again", step.version, r.Suite)
			}
		}
		for suite, want := range map[string]string{"latest": step.latest, "unstable": step.unstable} {
			got := strings.NewReplacer("kubeadm ", "", "-1.1 [amd64]", "", ",", "").Replace(a.versions(suite))
			if got != want {
				t.Errorf("after %s: %s has %s, want %s", step.version, suite, got, want)
			}
		}
	}
	if got := a.versions("v1.34") + a.versions("stable"); strings.Count(got, "1.34.9") != 2 {
		t.Errorf("1.34.9 is not in its suite and in stable: %s", got)
	}
	a.mustVerify()
}

// TestOutlivedEverywhere adds a version that no suite keeps.
func TestOutlivedEverywhere(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	for _, version := range []string{"1.33.1-1", "1.34.1-1", "1.35.1-1", "1.36.1-1"} {
		a.publish([]string{"stable", "latest", "unstable"}, newDeb(t, "kubeadm", version, "amd64"))
	}
	tx := a.begin()
	defer tx.Close()
	_, err := tx.Add(t.Context(), []string{newDeb(t, "kubeadm", "1.30.9-1", "amd64")}, apt.AddOptions{})
	if err == nil || !strings.Contains(err.Error(), "stable, latest, unstable have newer minor versions alone") {
		t.Errorf("got %v (hint %q)", err, hint.Of(err))
	}
	for suite, want := range map[string]bool{"stable": true, "latest": true, "v1.34": false} {
		if got, err := tx.Outlived(t.Context(), suite, "kubeadm", "1.30.9-1", "amd64"); err != nil || got != want {
			t.Errorf("%s: outlived %v, %v", suite, got, err)
		}
	}
	for _, name := range []string{"cri-tools", "kubeadm"} {
		if got, err := tx.Outlived(t.Context(), "stable", name, "1.30.9-1", "arm64"); err != nil || got {
			t.Errorf("%s on an architecture without packages: outlived %v, %v", name, got, err)
		}
	}
	if _, err := tx.Outlived(t.Context(), "v9", "kubeadm", "1.30.9-1", "amd64"); err == nil {
		t.Error("no error about a suite that is not there")
	}
}

// TestRetiredPackagesLeaveThePool collects what the rules took out, once no index needs it.
func TestRetiredPackagesLeaveThePool(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.def = rules(t, "keep: 1")
	for i := range 7 {
		a.publish([]string{"stable"}, newDeb(t, "tool", fmt.Sprintf("1.%d", i), "amd64"))
	}
	tx := a.begin()
	defer tx.Close()
	garbage, err := tx.CollectGarbage(t.Context(), apt.GarbageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, g := range garbage {
		names = append(names, g.Path)
	}
	// Five generations are under by-hash.
	if got := strings.Join(names, " "); got != "pool/main/t/tool/tool_1.0_amd64.deb pool/main/t/tool/tool_1.1_amd64.deb" {
		t.Errorf("collected %s", got)
	}
	a.mustVerify()
}

package apt_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/apt"
	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
)

// twoArchs keeps golden files short.
var (
	twoArchs = []string{"[amd64, arm64, armhf, i386, loong64, ppc64el, riscv64, s390x]", "[amd64, arm64]"}
	all      = []string{"v1.36", "stable"}
)

func TestPublishGolden(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.def = definition(t, twoArchs...)
	a.override = []apt.Refusal{apt.RefuseArchitecture} // 1.36.10 is for one of two
	a.publish(all,
		newDeb(t, "kubeadm", "1.36.3-1.1", "amd64", "Section: admin"), newDeb(t, "kubeadm", "1.36.3-1.1", "arm64"),
		newDeb(t, "kubeadm", "1.36.10-1.1", "amd64"), newDeb(t, "cri-tools", "1.36.0-1.1", "amd64"),
		newDeb(t, "kubernetes-doc", "1:1.36.3+x~y-1.1", "all", "Filename: ../../etc/passwd", "SHA256: x"))
	golden(t, "Packages", a.read("dists/v1.36/main/binary-amd64/Packages"))
	golden(t, "Release", a.read("dists/v1.36/Release"))
	golden(t, "arch-release", a.read("dists/v1.36/main/binary-amd64/Release"))
	golden(t, "kubernetes.sources", a.read("dists/v1.36/kubernetes.sources"))
	golden(t, "tree", strings.Join(slices.Sorted(maps.Keys(snapshot(t, a.root))), "\n")+"\n")
	a.mustVerify()
}

func TestPublishIsReproducible(t *testing.T) {
	t.Parallel()
	a, b := newArchive(t), newArchive(t)
	files := []string{newDeb(t, "kubeadm", "1.36.3-1.1", "amd64"), newDeb(t, "kubectl", "1.36.3-1.1", "arm64"), newDeb(t, "cri-tools", "1.36.0-1.1", "all")}
	a.publish(all, files...)
	slices.Reverse(files)
	b.publish(all, files...)
	if x, y := snapshot(t, a.root), snapshot(t, b.root); !maps.Equal(x, y) {
		t.Errorf("the trees differ: %d and %d files", len(x), len(y))
	}
}

func TestPublishAgainDoesNothing(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	file := newDeb(t, "kubeadm", "1.36.3-1.1", "amd64")
	a.publish(all, file)
	before := snapshot(t, a.root)
	a.now = a.now.AddDate(0, 0, 30)
	for range 2 {
		for _, s := range a.publish(all, file).Suites {
			if s.Published {
				t.Errorf("suite %s was published: %s", s.Suite, s.Reason)
			}
		}
		if !maps.Equal(before, snapshot(t, a.root)) {
			t.Error("the tree changed")
		}
	}
	if _, err := os.Stat(filepath.Join(a.root, ".kubedist/tmp")); !os.IsNotExist(err) {
		t.Errorf("temporary files are left: %v", err)
	}
}

func TestPublishKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.2-1.1", "amd64"))
	arm := a.read("dists/v1.36/main/binary-arm64/Packages.gz")
	a.now = a.now.Add(time.Hour)
	result := a.publish(all, newDeb(t, "kubeadm", "1.36.3-1.1", "amd64"), newDeb(t, "kubectl", "1.36.3-1.1", "amd64"))
	for _, s := range result.Suites {
		if !s.Published || s.Indices != 3 || s.Packages != 2 {
			t.Errorf("suite %s: got %+v, want the three files of one index for two packages", s.Suite, s)
		}
	}
	if a.read("dists/v1.36/main/binary-arm64/Packages.gz") != arm {
		t.Error("an index that did not change was written")
	}
	if got := a.versions("v1.36"); got != "kubeadm 1.36.2-1.1 [amd64], kubeadm 1.36.3-1.1 [amd64], kubectl 1.36.3-1.1 [amd64]" {
		t.Errorf("got %s", got)
	}
	a.mustVerify()
}

// versions lists a suite on one line.
func (a *archive) versions(suite string) string {
	a.t.Helper()
	list, err := apt.List(a.t.Context(), apt.Options{Root: a.root, Definition: a.def})
	if err != nil {
		a.t.Fatal(err)
	}
	var all []string
	for _, l := range list {
		if l.Suite == suite {
			all = append(all, fmt.Sprint(l.Package, " ", l.Version, " ", l.Architectures))
		}
	}
	return strings.Join(all, ", ")
}

func (a *archive) release(suite string) *apt.Release {
	a.t.Helper()
	r, err := apt.ParseRelease([]byte(a.read("dists/" + suite + "/Release")))
	if err != nil {
		a.t.Fatal(err)
	}
	return r
}

func TestDateNeverGoesBack(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	for i, now := range []time.Time{epoch, epoch.AddDate(0, -3, 0), epoch.Add(time.Second)} {
		a.now = now
		a.publish(all, newDeb(t, "kubeadm", fmt.Sprintf("1.36.%d-1.1", i+2), "amd64"))
		if got, want := a.release("v1.36").Date, epoch.Add(time.Duration(i+1)*time.Second); !got.Equal(want) {
			t.Errorf("published at %s: dated %s, want %s", now, got, want)
		}
	}
}

func TestFutureDate(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	before := snapshot(t, a.root)
	o := a.options()
	o.Clock = func() time.Time { return epoch.Add(-time.Hour) }
	o.SignAnew = true
	tx := a.begin()
	defer tx.Close()
	if _, err := tx.Publish(t.Context(), o); err == nil || !strings.Contains(err.Error(), "in the future") || hint.Of(err) == "" {
		t.Errorf("got %v, want an error about the future", err)
	}
	if !maps.Equal(before, snapshot(t, a.root)) {
		t.Error("the tree changed")
	}
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	index := snapshot(t, a.root)["dists/v1.36/main/binary-amd64/Packages.gz"]
	for _, c := range []struct {
		days   int
		anew   bool
		reason string
	}{{89, false, ""}, {89, true, "asked for"}, {89 + 91, false, "Valid-Until was near"}} {
		a.now = epoch.AddDate(0, 0, c.days)
		o := a.options()
		o.SignAnew = c.anew
		tx := a.begin()
		result, err := tx.Publish(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if got := result.Suites[0]; got.Reason != c.reason || got.Published != (c.reason != "") || got.Indices != 0 {
			t.Errorf("after %d days: got %+v, want reason %q", c.days, got, c.reason)
		}
		if err := tx.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := a.release("stable").ValidUntil; !got.Equal(a.now.AddDate(0, 0, 180)) {
		t.Errorf("valid until %s", got)
	}
	if snapshot(t, a.root)["dists/v1.36/main/binary-amd64/Packages.gz"] != index {
		t.Error("an index was written though nothing in it changed")
	}
	a.mustVerify()
}

// TestGenerations publishes A, B, A, C and more, and expects what is promised to be under by-hash.
func TestGenerations(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.def = definition(t, append([]string{"generations: 5", "generations: 3"}, twoArchs...)...)
	step := func(add, remove string) string {
		a.now = a.now.Add(time.Hour)
		tx := a.begin()
		defer tx.Close()
		if add != "" {
			if _, err := tx.Add(t.Context(), []string{newDeb(t, "kubeadm", add, "amd64")}, apt.AddOptions{Suites: all}); err != nil {
				t.Fatal(err)
			}
		}
		if remove != "" {
			if _, err := tx.Remove(t.Context(), apt.RemoveOptions{Suite: "v1.36", Selector: apt.Selector{Package: "kubeadm", Relation: "=", Version: remove}}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := tx.Publish(t.Context(), a.options()); err != nil {
			t.Fatal(err)
		}
		f, _ := a.release("v1.36").File("main/binary-amd64/Packages.gz")
		return f.SHA256
	}
	there := func(digest string) bool {
		_, err := os.Stat(filepath.Join(a.root, "dists/v1.36/main/binary-amd64/by-hash/SHA256", digest))
		return err == nil
	}
	first := step("1.36.1-1.1", "")
	second := step("1.36.2-1.1", "")
	if again := step("", "1.36.2-1.1"); again != first {
		t.Fatal("the same packages gave another index")
	}
	third := step("1.36.3-1.1", "")
	for name, digest := range map[string]string{"A": first, "B": second, "C": third} {
		if !there(digest) {
			t.Errorf("after A, B, A, C: %s is gone", name)
		}
	}
	step("1.36.4-1.1", "")
	if there(second) || !there(first) || !there(third) {
		t.Errorf("after one more: B %v, A %v, C %v; want B alone gone", there(second), there(first), there(third))
	}
	a.mustVerify()
}

func TestPublishRefuses(t *testing.T) {
	t.Parallel()
	old := newKey(t, 1)
	short, err := openpgp.Generate(t.Context(), openpgp.GenerateOptions{Name: "Short", Created: epoch.AddDate(-1, 0, 0), Lifetime: 400 * 24 * time.Hour, Rand: seed(7)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		def    *apt.Definition
		key    *openpgp.Key
		others []*openpgp.Certificate
		debs   []string
		want   string // "" when it is fine
	}{
		{name: "another origin", def: definition(t, "origin: Kubernetes", "origin: K8s"), want: `Origin changes from "Kubernetes" to "K8s"`},
		{name: "another label", def: definition(t, "label: Kubernetes", "label: K8s"), want: `Label changes`},
		{name: "another description", def: definition(t, "description: Kubernetes", "description: All Kubernetes")},
		{name: "an unknown key signed it", key: newKey(t, 2), want: "InRelease on disk: clearsigned file: not signed by a known key"},
		{name: "the old key is named", key: newKey(t, 2), others: []*openpgp.Certificate{old.Public()}},
		{name: "a key that ends first", key: short, others: []*openpgp.Certificate{old.Public()}, want: "2026-08-18"},
		{name: "an architecture with packages is gone", def: definition(t, "[amd64, arm64,", "[arm64,"), want: "main/binary-amd64/Packages: has packages"},
		{name: "an architecture without packages is gone", def: definition(t, "arm64, ", "")},
		{name: "no dependency", debs: []string{newDeb(t, "kubelet", "1.36.3-1.1", "amd64", "Depends: iptables (>= 1.4.21), kubernetes-cni (>= 1.2.0)")}, want: "kubelet 1.36.3-1.1 (amd64): field Depends: neither the suite nor the distribution has kubernetes-cni (>= 1.2.0)"},
		{name: "a dependency of another architecture", debs: []string{newDeb(t, "kubelet", "1.36.3-1.1", "amd64", "Depends: kubernetes-cni"), newDeb(t, "kubernetes-cni", "1.9.1-1.1", "arm64")}, want: "has kubernetes-cni"},
		{name: "too old a dependency", debs: []string{newDeb(t, "kubelet", "1.36.3-1.1", "amd64", "Depends: kubernetes-cni (>= 2)"), newDeb(t, "kubernetes-cni", "1.9.1-1.1", "amd64")}, want: "has kubernetes-cni (>= 2)"},
		{name: "a dependency", debs: []string{newDeb(t, "kubelet", "1.36.3-1.1", "amd64", "Depends: nothing | kubernetes-cni (>= 1.2.0), virtual (>= 2), mount"), newDeb(t, "kubernetes-cni", "1.9.1-1.1", "amd64", "Provides: virtual (= 2.1)")}},
		{name: "another package's dependency", debs: []string{newDeb(t, "cri-tools", "1.36.0-1.1", "amd64", "Depends: anything")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newArchive(t)
			a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
			before := snapshot(t, a.root)
			if c.def != nil {
				a.def = c.def
			}
			if c.key != nil {
				a.key = c.key
			}
			a.now = epoch.Add(time.Hour)
			o := a.options()
			o.Keyring = c.others
			tx := a.begin()
			defer tx.Close()
			if len(c.debs) > 0 {
				if _, err := tx.Add(t.Context(), c.debs, apt.AddOptions{Suites: all}); err != nil {
					t.Fatal(err)
				}
			} else {
				o.SignAnew = true
			}
			_, err := tx.Publish(t.Context(), o)
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
			if !maps.Equal(before, snapshot(t, a.root)) {
				t.Error("the tree changed")
			}
		})
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	next := newKey(t, 2)
	a.now = epoch.Add(time.Hour)
	tx := a.begin()
	defer tx.Close()
	o := a.options()
	o.Signers = append(o.Signers, next)
	result, err := tx.Publish(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if result.Suites[0].Reason != "signing keys changed" {
		t.Errorf("got %+v", result.Suites[0])
	}
	for _, key := range []*openpgp.Key{a.key, next} {
		b := *a
		b.key = key
		b.mustVerify()
		if !strings.Contains(a.read("dists/v1.36/kubernetes.sources"), key.Fingerprint()) {
			t.Errorf("kubernetes.sources does not name %s", key.Fingerprint())
		}
	}
}

func TestSuiteOutsideTheDefinitionStays(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	a.def = definition(t, `  - {name: v1.36, accepts: "~1.36"}`+"\n", "")
	a.now = epoch.AddDate(0, 0, 170)
	result := a.publish([]string{"stable"}, newDeb(t, "kubeadm", "1.36.2-1.1", "amd64"))
	if len(result.Warnings) == 0 || !strings.Contains(result.Warnings[0], "v1.36") {
		t.Errorf("warnings: %q", result.Warnings)
	}
	if got := a.versions("v1.36"); got != "kubeadm 1.36.1-1.1 [amd64]" {
		t.Errorf("got %s", got)
	}
	a.mustVerify()
}

func TestPublishStopsWithItsContext(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	before := snapshot(t, a.root)
	tx := a.begin()
	defer tx.Close()
	if _, err := tx.Add(t.Context(), []string{newDeb(t, "kubeadm", "1.36.2-1.1", "amd64")}, apt.AddOptions{Suites: all}); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Publish(cancelled(), a.options()); err == nil {
		t.Error("published after all")
	}
	if !maps.Equal(before, snapshot(t, a.root)) {
		t.Error("the tree changed")
	}
	var refused *apt.RefusedError
	if errors.As(errorOf(tx.Publish(t.Context(), apt.PublishOptions{Now: epoch})), &refused) {
		t.Error("publishing without a key is a matter of options, not of the archive")
	}
}

func errorOf(_ *apt.Result, err error) error { return err }

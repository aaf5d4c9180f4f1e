package apt_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/apt"
	"kubedist/pkg/deb"
	"kubedist/pkg/openpgp"
)

// rehearse tells what publishing packages into suites would refuse, and of the packages no more than their control
// paragraphs.
func (a *archive) rehearse(suites []string, o apt.PublishOptions, debs ...string) error {
	a.t.Helper()
	var planned []*deb.Info
	for _, name := range debs {
		f, err := os.Open(name)
		if err != nil {
			a.t.Fatal(err)
		}
		defer f.Close()
		info, err := deb.Read(a.t.Context(), f, deb.Limits{})
		if err != nil {
			a.t.Fatal(err)
		}
		planned = append(planned, &deb.Info{Package: info.Package, Version: info.Version, Architecture: info.Architecture, Control: info.Control})
	}
	r, err := apt.Rehearse(apt.Options{Root: a.root, Definition: a.def})
	if err != nil {
		a.t.Fatal(err)
	}
	if err := r.Add(a.t.Context(), planned, suites); err != nil {
		return err
	}
	return r.Publish(a.t.Context(), o)
}

// TestRehearsal adds packages that are not made yet to an archive with a version of kubeadm, and with kubernetes-cni in
// the suite stable alone.
func TestRehearsal(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1", "amd64"), newDeb(t, "kubeadm", "1.36.1-1", "arm64"))
	a.publish([]string{"stable"}, newDeb(t, "kubernetes-cni", "1.9.1-1", "amd64"))
	a.override = []apt.Refusal{apt.RefuseDependency}
	a.publish([]string{"stable"}, newDeb(t, "kubelet", "1.35.9-1", "amd64", "Depends: nothing"))
	a.override = nil
	before := snapshot(t, a.root)
	beside := a.begin() // who holds the lock is not waited for
	defer beside.Close()
	kubelet := func(fields ...string) string { return newDeb(t, "kubelet", "1.36.2-1", "amd64", fields...) }
	for _, c := range []struct {
		name   string
		suites []string
		debs   []string
		want   string // "": nothing is refused
	}{
		{"nothing", all, nil, ""},
		{"a whole version", all, []string{newDeb(t, "kubeadm", "1.36.2-1", "amd64"), newDeb(t, "kubeadm", "1.36.2-1", "arm64")}, ""},
		{"half a version", all, []string{newDeb(t, "kubeadm", "1.36.2-1", "arm64")}, "architecture: suites v1.36, stable: kubeadm 1.36.2-1: missing for amd64, which have 1.36.1-1"},
		{"half a version of another package", all, []string{newDeb(t, "cri-tools", "1.36.2-1", "arm64")}, ""},
		{"what is there", all, []string{newDeb(t, "kubeadm", "1.36.1-1", "arm64")}, ""},
		{"what was let through before", []string{"stable"}, []string{newDeb(t, "kubelet", "1.35.9-1", "amd64", "Depends: nothing")}, ""},
		{"a dependency", all, []string{kubelet("Depends: kubernetes-cni (>= 1.2.0)")}, "dependency: suite v1.36: kubelet 1.36.2-1 (amd64): field Depends: neither the suite nor the distribution has kubernetes-cni (>= 1.2.0)"},
		{"a dependency that the suite has", []string{"stable"}, []string{kubelet("Depends: kubernetes-cni (>= 1.2.0)")}, ""},
		{"a dependency that the suite has too old", []string{"stable"}, []string{kubelet("Pre-Depends: kubernetes-cni (>= 2)")}, "field Pre-Depends: neither the suite nor the distribution has kubernetes-cni (>= 2)"},
		{"a dependency on another architecture", []string{"stable"}, []string{newDeb(t, "kubelet", "1.36.2-1", "arm64", "Depends: kubernetes-cni")}, "dependency: suite stable: kubelet 1.36.2-1 (arm64): "},
		{"a dependency of the distribution", all, []string{kubelet("Depends: iptables (>= 1.4), libc6 | other")}, ""},
		{"a dependency beside it", all, []string{kubelet("Depends: kubernetes-cni"), newDeb(t, "kubernetes-cni", "1.9.1-2", "amd64")}, ""},
		{"a dependency beside it, after it", all, []string{newDeb(t, "cni", "1", "all", "Provides: kubernetes-cni (= 1.3)"), kubelet("Depends: kubernetes-cni (>= 1.2)")}, ""},
		{"what the archive has stays as it is there", []string{"stable"}, []string{kubelet("Depends: cni"), newDeb(t, "kubernetes-cni", "1.9.1-1", "amd64", "Provides: cni")}, "suite stable: kubelet 1.36.2-1 (amd64): field Depends: "},
		{"what another suite has goes into this one as it is there", []string{"v1.36"}, []string{kubelet("Depends: cni"), newDeb(t, "kubernetes-cni", "1.9.1-1", "amd64", "Provides: cni")}, "suite v1.36: kubelet 1.36.2-1 (amd64): field Depends: "},
		{"a version that the suite does not take", []string{"v1.36"}, []string{newDeb(t, "kubeadm", "1.35.2-1", "amd64")}, "package kubeadm_1.35.2-1_amd64.deb: suite v1.36 accepts ~1.36 alone"},
		{"a suite that is not there", []string{"v9"}, []string{kubelet()}, "suite v9: not in the archive's definition"},
		{"an architecture that is not there", all, []string{newDeb(t, "kubelet", "1.36.2-1", "s390x")}, "package kubelet_1.36.2-1_s390x.deb: control: architecture s390x is none of the archive's"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := a.rehearse(c.suites, a.options(), c.debs...)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if !maps.Equal(before, snapshot(t, a.root)) {
		t.Error("the tree changed")
	}
	if err := os.WriteFile(filepath.Join(a.root, ".kubedist", "journal"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := a.rehearse(all, a.options(), kubelet("Depends: kubernetes-cni")); err != nil {
		t.Errorf("what a killed run was about to publish is not known, and yet: %v", err)
	}
}

// TestRehearsalOfNewArchive asks about an archive that is not there yet, and does not make it.
func TestRehearsalOfNewArchive(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	if err := a.rehearse(all, a.options(), newDeb(t, "kubeadm", "1.36.2-1", "arm64")); err != nil {
		t.Error(err)
	}
	err := a.rehearse(all, a.options(), newDeb(t, "kubelet", "1.36.2-1", "arm64", "Depends: kubernetes-cni"))
	var refused *apt.RefusedError
	if !errors.As(err, &refused) || len(refused.Problems) != 1 || refused.Problems[0].Refusal != apt.RefuseDependency {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(a.root); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the archive was made: %v", err)
	}
}

// TestRehearsalOfRules adds to a suite that keeps one minor version: what its rules take out at once is not asked about.
func TestRehearsalOfRules(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	suites := []string{"latest"}
	a.publish(suites, newDeb(t, "kubeadm", "1.35.1-1", "amd64"))
	r, err := apt.Rehearse(apt.Options{Root: a.root, Definition: a.def})
	if err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]bool{"1.34.9-1": true, "1.36.0-1": false} {
		if got, err := r.Outlived(t.Context(), "latest", "kubeadm", version, "amd64"); err != nil || got != want {
			t.Errorf("%s outlived: %v, %v", version, got, err)
		}
	}
	debs := []string{newDeb(t, "kubeadm", "1.36.0-1", "amd64"), newDeb(t, "kubeadm", "1.35.2-1", "amd64", "Depends: nothing")}
	if err := a.rehearse(suites, a.options(), debs...); err != nil {
		t.Error(err)
	}
	a.publish(suites, debs...)
}

// TestRehearsalOfPlaces compares a rehearsal with the publishing of suites that lie in several places, of which some
// change and some do not: both refuse the same.
func TestRehearsalOfPlaces(t *testing.T) {
	t.Parallel()
	places := append([]string{`"~1.36"`, `"~1.36", aliases: [kubernetes-xenial], flat: core/deb`}, twoArchs...)
	next := newKey(t, 2)
	// It lasts until the Valid-Until of what it signs at epoch, and a day more.
	ending, err := openpgp.Generate(t.Context(), openpgp.GenerateOptions{Name: "Ending", Created: epoch.AddDate(-1, 0, 0), Lifetime: epoch.AddDate(0, 0, 181).Sub(epoch.AddDate(-1, 0, 0)), Rand: seed(3)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change []string // of the definition
		later  time.Duration
		next   bool // sign with another key
		debs   []string
		want   string // "": nothing is refused
	}{
		{name: "nothing changes"},
		{name: "nothing is signed by a key that ends too early for it", later: 48 * time.Hour},
		{name: "something is", later: 48 * time.Hour, debs: []string{newDeb(t, "kubectl", "1.36.1-1", "amd64")}, want: "key-expiry: key " + ending.Fingerprint() + ": expires"},
		{name: "something is added", debs: []string{newDeb(t, "kubectl", "1.36.1-1", "amd64")}},
		{name: "label, and nothing else", change: []string{"label: Kubernetes", "label: K8s"}, want: "identity: suite v1.36 in core/deb: Label"},
		{name: "label", change: []string{"label: Kubernetes", "label: K8s"}, debs: []string{newDeb(t, "kubectl", "1.36.1-1", "amd64")}, want: "identity: suite v1.36 in dists/kubernetes-xenial: Label"},
		{name: "another key", next: true, want: "past: suite v1.36 in core/deb: InRelease"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newArchive(t)
			a.key, a.def = ending, definition(t, places...)
			a.publish(all, newDeb(t, "kubeadm", "1.36.1-1", "amd64"))
			a.def = definition(t, append(c.change, places...)...)
			a.now = epoch.Add(time.Hour + c.later)
			o := a.options()
			if c.next {
				o.Signers = []openpgp.Signer{next}
			}
			rehearsed := a.rehearse([]string{"stable"}, o, c.debs...)
			tx := a.begin()
			defer tx.Close()
			if len(c.debs) > 0 {
				if _, err := tx.Add(t.Context(), c.debs, apt.AddOptions{Suites: []string{"stable"}}); err != nil {
					t.Fatal(err)
				}
			}
			_, err := tx.Publish(t.Context(), o)
			if c.want == "" {
				if rehearsed != nil || err != nil {
					t.Errorf("rehearsing gives %v, publishing %v", rehearsed, err)
				}
				return
			}
			if rehearsed == nil || err == nil || "publishing: "+rehearsed.Error() != err.Error() || !strings.Contains(err.Error(), c.want) {
				t.Errorf("rehearsing gives %v,\npublishing %v,\nwant %q", rehearsed, err, c.want)
			}
		})
	}
}

// TestRehearsalOfKeyring has a package that needs the keyring package, which is there once something is published.
func TestRehearsalOfKeyring(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.def = withKeyring(t)
	for _, version := range []string{"1.36.1-1", "1.36.2-1"} {
		needs := newDeb(t, "kubeadm", version, "amd64", "Depends: kubernetes-archive-keyring")
		if err := a.rehearse(all, a.options(), needs); err != nil {
			t.Error(err)
		}
		a.publish(all, needs)
	}
}

// TestRehearsalOfDates refuses no date that may be past when the packages are there.
func TestRehearsalOfDates(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	file := newDeb(t, "kubeadm", "1.36.1-1", "amd64")
	for behind, refused := range map[time.Duration]bool{2 * time.Minute: false, 23 * time.Hour: false, 25 * time.Hour: true} {
		o := a.options()
		o.Clock = func() time.Time { return epoch.Add(-behind) }
		if err := a.rehearse(all, o, file); (err != nil) != refused {
			t.Errorf("a clock that is %s behind: %v", behind, err)
		}
		o.Clock, o.NotAfter = nil, epoch.Add(-behind) // which no waiting changes
		if err := a.rehearse(all, o, file); err == nil {
			t.Errorf("a bound that is %s behind is not refused", behind)
		}
	}
}

package apt_test

import (
	"fmt"
	"strings"
	"testing"

	"kubedist/pkg/apt"
)

func reference(t testing.TB, text string) apt.Reference {
	t.Helper()
	r, err := apt.ParseReference(text)
	if err != nil || r.String() != text {
		t.Fatalf("%s: got %v, %v", text, r, err)
	}
	return r
}

func (a *archive) copying(from, to string, relations ...string) func(*apt.Transaction) error {
	o := apt.CopyOptions{From: reference(a.t, from), To: to}
	for _, r := range relations {
		o.Selectors = append(o.Selectors, selector(a.t, r))
	}
	return func(tx *apt.Transaction) error {
		_, err := tx.Copy(a.t.Context(), o)
		return err
	}
}

func TestCopy(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish([]string{"unstable"}, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"), newDeb(t, "kubeadm", "1.36.2-1.1", "amd64"), newDeb(t, "kubeadm", "1.36.2-1.1", "arm64"), newDeb(t, "docs", "1-1", "all"))
	before := snapshot(t, a.root)
	tx := a.begin()
	copied, err := tx.Copy(t.Context(), apt.CopyOptions{From: reference(t, "unstable"), To: "stable", Selectors: []apt.Selector{selector(t, "kubeadm (>= 1.36.2)"), selector(t, "docs")}})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(copied); got != "[{docs 1-1 all false} {kubeadm 1.36.2-1.1 amd64 false} {kubeadm 1.36.2-1.1 arm64 false}]" {
		t.Errorf("copied %s", got)
	}
	if err := tx.Close(); err != nil {
		t.Fatal(err)
	}
	for name, was := range snapshot(t, a.root) {
		if before[name] != was {
			t.Errorf("%s: changed before it was published", name)
		}
	}
	a.change(a.copying("unstable", "stable", "kubeadm (>= 1.36.2)", "docs"))
	if got := a.versions("stable"); got != "docs 1-1 [all], kubeadm 1.36.2-1.1 [amd64 arm64]" {
		t.Errorf("clients see %s", got)
	}
	if was := a.change(a.copying("unstable", "stable", "kubeadm (>= 1.36.2)")).Suites; was[0].Published || was[1].Published {
		t.Errorf("copied once more: %+v", was)
	}
	a.mustVerify()
	// From a snapshot, what the suite itself no longer has.
	a.keep("kept")
	a.change(func(tx *apt.Transaction) error {
		_, err := tx.Remove(t.Context(), apt.RemoveOptions{Suite: "unstable", Selector: selector(t, "kubeadm")})
		return err
	})
	a.change(a.copying("unstable@kept", "v1.36", "kubeadm:amd64 (<< 1.36.2)"))
	if got := a.versions("v1.36"); got != "kubeadm 1.36.1-1.1 [amd64]" {
		t.Errorf("clients see %s", got)
	}
	a.mustVerify()
}

func TestCopyRefuses(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish([]string{"unstable"}, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"), newDeb(t, "kubeadm", "1.36.2~rc.0-1.1", "amd64"))
	a.refused("package kubeadm 1.36.2~rc.0-1.1 (amd64): suite stable accepts >=1.0.0 alone", a.copying("unstable", "stable"))
	a.refused("cannot be copied to itself", a.copying("unstable", "unstable"))
	a.refused("suite v9: not in the archive's definition", a.copying("unstable", "v9"))
	a.refused("suite v9: the archive has none of that name", a.copying("v9", "stable"))
	a.refused("snapshot none: the archive has none of that name", a.copying("unstable@none", "stable"))
	a.refused("neither the suite nor the distribution has kubelet", func(tx *apt.Transaction) error {
		_, err := tx.Add(t.Context(), []string{newDeb(t, "kubeadm", "1.36.3-1.1", "amd64", "Depends: kubelet")}, apt.AddOptions{Suites: []string{"unstable"}})
		if err != nil {
			return err
		}
		return a.copying("unstable", "stable", "kubeadm (= 1.36.3-1.1)")(tx)
	})
	for _, text := range []string{"", "a b", "@x", "stable@", "stable@../x", "stable@a@b", "Stable"} {
		if r, err := apt.ParseReference(text); err == nil {
			t.Errorf("%q: got %v", text, r)
		}
	}
	if got := a.versions("stable"); got != "" {
		t.Errorf("clients see %s", got)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.override = []apt.Refusal{apt.RefuseArchitecture}
	a.publish([]string{"stable"}, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"), newDeb(t, "kubeadm", "1.36.1-1.1", "arm64"), newDeb(t, "docs", "1-1", "all"))
	a.keep("before")
	a.change(func(tx *apt.Transaction) error {
		if _, err := tx.Remove(t.Context(), apt.RemoveOptions{Suite: "stable", Selector: selector(t, "kubeadm:amd64")}); err != nil {
			return err
		}
		_, err := tx.Add(t.Context(), []string{newDeb(t, "kubeadm", "1.36.10-1.1", "amd64"), newDeb(t, "kubeadm", "1.36.2-1.1", "arm64"), newDeb(t, "kubeadm", "1.36.2-1.1", "amd64")}, apt.AddOptions{Suites: []string{"stable"}})
		return err
	})
	for _, c := range []struct{ from, to, want string }{
		{"stable", "stable", "[]"},
		{"stable@before", "stable", "[{removed main kubeadm 1.36.1-1.1 [amd64]} {added main kubeadm 1.36.2-1.1 [amd64 arm64]} {added main kubeadm 1.36.10-1.1 [amd64]}]"},
		{"stable", "stable@before", "[{added main kubeadm 1.36.1-1.1 [amd64]} {removed main kubeadm 1.36.2-1.1 [amd64 arm64]} {removed main kubeadm 1.36.10-1.1 [amd64]}]"},
		{"unstable", "stable@before", "[{added main docs 1-1 [all]} {added main kubeadm 1.36.1-1.1 [amd64 arm64]}]"},
	} {
		got, err := apt.Diff(t.Context(), apt.Options{Root: a.root, Definition: a.def}, reference(t, c.from), reference(t, c.to))
		if err != nil || fmt.Sprint(got) != c.want {
			t.Errorf("%s, %s: got %v, %v, want %s", c.from, c.to, got, err, c.want)
		}
	}
	if _, err := apt.Diff(t.Context(), apt.Options{Root: a.root, Definition: a.def}, reference(t, "stable@none"), reference(t, "stable")); err == nil || !strings.Contains(err.Error(), "snapshot none") {
		t.Errorf("got %v", err)
	}
}

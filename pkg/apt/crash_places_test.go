package apt_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"kubedist/pkg/apt"
)

// TestKilledInAllPlaces kills a publishing of a suite with an alias, a flat form and every kind of listed file at every
// third change it makes to the disk, for there are many. Clients must find each place consistent; the next run brings all
// to one state.
func TestKilledInAllPlaces(t *testing.T) {
	t.Parallel()
	base := newArchive(t)
	base.def = definition(t, twoArchs[0], "[amd64]", "[gz, zst]", "[gz]", "contents: false", "contents: true", "translations: false", "translations: true",
		`"~1.36"`, `"~1.36", aliases: [xenial], flat: "`+flatDir+`"`)
	base.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64", "/usr/bin/one"), newDeb(t, "kubectl", "1.36.1-1.1", "amd64", "/usr/bin/kubectl"))
	base.publishSources(newDSC(t, "kubernetes", "1.36.1-1", map[string]string{"kubernetes_1.36.1.orig.tar.xz": "upstream"}))
	next := newDeb(t, "kubeadm", "1.36.2-1.1", "amd64", "/usr/bin/two")
	source := newDSC(t, "kubernetes", "1.36.2-1", map[string]string{"kubernetes_1.36.2.orig.tar.xz": "upstream"})
	change := func(a *archive, tx *apt.Transaction) error {
		if _, err := tx.Add(t.Context(), []string{next}, apt.AddOptions{Suites: []string{"v1.36"}}); err != nil {
			return err
		}
		if _, err := tx.AddSources(t.Context(), []string{source}, apt.AddOptions{Suites: []string{"v1.36"}}); err != nil {
			return err
		}
		if _, err := tx.Remove(t.Context(), apt.RemoveOptions{Suite: "v1.36", Selector: apt.Selector{Package: "kubectl"}}); err != nil {
			return err
		}
		_, err := tx.Publish(t.Context(), a.options())
		return err
	}
	for n := 1; ; n += 3 {
		a := *base
		a.root = copyTree(t, base.root)
		a.now = epoch.AddDate(0, 0, 1)
		tx := a.begin()
		count := tx.FailAt(n, errKilled)
		err := change(&a, tx)
		if err == nil {
			if *count < 60 {
				t.Fatalf("publishing made %d changes to the disk, too few to be true", *count)
			}
			break
		}
		if !errors.Is(err, errKilled) {
			t.Fatalf("killed at change %d: %v", n, err)
		}
		tx.Kill()
		for _, f := range a.verify().Findings {
			// Canonical names and Release may be ahead of InRelease; clients that use by-hash do not care.
			if strings.Contains(f.Path, "/by-hash/") || strings.HasSuffix(f.Path, ".deb") || strings.HasPrefix(f.Path, "pool/") || strings.HasSuffix(f.Path, "/InRelease") {
				t.Errorf("%s: %s", f.Path, f.Problem)
			}
		}
		a.now = a.now.AddDate(0, 0, 1)
		if n%2 == 0 {
			a.publish(nil)
			a.mustBeOneState(n)
		}
		tx = a.begin()
		if err := change(&a, tx); err != nil {
			t.Fatalf("killed at change %d: publishing again: %v", n, err)
		}
		if err := tx.Close(); err != nil {
			t.Fatal(err)
		}
		if got := a.versions("v1.36"); got != "kubeadm 1.36.1-1.1 [amd64], kubeadm 1.36.2-1.1 [amd64], kubernetes 1.36.1-1 [source], kubernetes 1.36.2-1 [source]" {
			t.Fatalf("killed at change %d: afterwards clients see %s", n, got)
		}
		if got := strings.Fields(a.contents("v1.36", "amd64")); strings.Join(got, " ") != "usr/bin/one kubeadm usr/bin/two kubeadm" {
			t.Fatalf("killed at change %d: afterwards Contents has %v", n, got)
		}
		a.mustBeOneState(n)
		if t.Failed() {
			t.Fatalf("killed at change %d", n)
		}
	}
}

// mustBeOneState compares the suite's alias and its flat form with the suite itself.
func (a *archive) mustBeOneState(n int) {
	a.t.Helper()
	a.mustVerify()
	a.mustList()
	own := a.read("dists/v1.36/main/binary-amd64/Packages")
	if got := a.read("dists/xenial/main/binary-amd64/Packages"); got != own {
		a.t.Errorf("killed at change %d: the alias has\n%s\nthe suite\n%s", n, got, own)
	}
	if got := strings.ReplaceAll(a.read(flatDir+"/Packages"), "Filename: amd64/", ""); got != regexp.MustCompile(`Filename: pool/main/[a-z/]+/`).ReplaceAllString(own, "") {
		a.t.Errorf("killed at change %d: the flat form has\n%s\nthe suite\n%s", n, got, own)
	}
}

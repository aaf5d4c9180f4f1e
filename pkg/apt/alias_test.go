package apt_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kubedist/pkg/apt"
)

var withAlias = append([]string{`"~1.36"`, `"~1.36", aliases: [kubernetes-xenial, newest]`}, twoArchs...)

func TestAlias(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.def = definition(t, withAlias...)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	for i, step := range []struct {
		version string
		days    int
	}{{"", 0}, {"1.36.2-1.1", 0}, {"", 100}, {"1.36.3-1.1", 101}} {
		a.now = epoch.AddDate(0, 0, step.days)
		if step.version != "" {
			a.publish(all, newDeb(t, "kubeadm", step.version, "amd64"))
		} else {
			a.publish(nil)
		}
		own := a.release("v1.36")
		for _, name := range []string{"kubernetes-xenial", "newest"} {
			r := a.release(name)
			if r.Suite != name || r.Codename != name || !r.Date.Equal(own.Date) || len(r.Files) != len(own.Files) || r.Label != own.Label {
				t.Errorf("step %d: %s has %+v", i, name, r)
			}
			if got := a.read("dists/" + name + "/main/binary-amd64/Release"); !strings.HasPrefix(got, "Archive: "+name+"\n") {
				t.Errorf("step %d: %s has %s", i, name, got)
			}
			for _, file := range []string{"main/binary-amd64/Packages.gz", "main/binary-arm64/Packages"} {
				a.mustBeOneFile("dists/v1.36/"+file, "dists/"+name+"/"+file)
			}
			if !strings.Contains(a.read("dists/"+name+"/kubernetes.sources"), "\nSuites: "+name+"\n") {
				t.Errorf("%s: its .sources file names another suite", name)
			}
		}
		a.mustVerify()
	}
	if got := a.versions("newest"); got != "" {
		t.Errorf("the alias is listed as a suite: %s", got)
	}
}

// mustBeOneFile fails unless the two are links to one file.
func (a *archive) mustBeOneFile(names ...string) {
	a.t.Helper()
	var infos [2]os.FileInfo
	for i, name := range names {
		var err error
		if infos[i], err = os.Lstat(filepath.Join(a.root, name)); err != nil {
			a.t.Fatal(err)
		}
	}
	if !os.SameFile(infos[0], infos[1]) {
		a.t.Errorf("%s are not one file", names)
	}
}

// TestAliasComesAndGoes adds an alias to a suite that is published, and takes it away again.
func TestAliasComesAndGoes(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	plain := a.def
	a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	a.def = definition(t, withAlias...)
	a.now = a.now.AddDate(0, 0, 1)
	before := a.read("dists/v1.36/InRelease")
	if got := a.publish(nil).Suites[0]; !got.Published || got.Reason != "dists/kubernetes-xenial: first published" || got.Indices == 0 {
		t.Errorf("got %+v", got)
	}
	if a.read("dists/v1.36/InRelease") != before {
		t.Error("the suite was signed anew for its alias")
	}
	a.mustVerify()
	if got := a.publish(nil).Suites[0]; got.Published {
		t.Errorf("published again: %+v", got)
	}
	a.now = a.now.AddDate(0, 0, 1)
	a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.2-1.1", "amd64"))
	if own, other := a.release("v1.36"), a.release("newest"); !own.Date.Equal(other.Date) {
		t.Errorf("dates %s and %s", own.Date, other.Date)
	}
	a.mustVerify()
	a.def = plain
	result := a.publish(nil)
	if len(result.Warnings) != 2 || !strings.Contains(result.Warnings[0], "dists/kubernetes-xenial: published, but not in the definition: it stays as it is") {
		t.Errorf("warnings %q", result.Warnings)
	}
	// What the alias lists stays as long as it is there.
	tx := a.begin()
	defer tx.Close()
	if _, err := tx.Remove(t.Context(), apt.RemoveOptions{Suite: "v1.36", Selector: apt.Selector{Package: "kubeadm"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Publish(t.Context(), a.options()); err != nil {
		t.Fatal(err)
	}
	if err := tx.Close(); err != nil {
		t.Fatal(err)
	}
	tx = a.begin()
	defer tx.Close()
	if garbage, err := tx.CollectGarbage(t.Context(), apt.GarbageOptions{}); err != nil || len(garbage) > 0 {
		t.Errorf("removed %v, %v", garbage, err)
	}
	a.mustVerify()
}

// TestAptTakesAlias: apt has nothing to complain about under either name.
func TestAptTakesAlias(t *testing.T) {
	t.Parallel()
	need(t, "apt-get", "apt-cache", "gpgv")
	a := newArchive(t)
	a.def = definition(t, withAlias...)
	a.publishNow(newDeb(t, "kubeadm", "1.36.3-1.1", "amd64"))
	url := a.serve()
	c := newClient(t, "amd64", strings.Replace(a.installSources(url, "kubernetes-archive-keyring.gpg"), "Suites: v1.36", "Suites: kubernetes-xenial", 1))
	next := newDeb(t, "kubeadm", "1.36.4-1.1", "amd64")
	for _, version := range []string{"1.36.3-1.1", "1.36.4-1.1"} {
		c.must("apt-get", "update")
		if policy := c.must("apt-cache", "policy", "kubeadm"); !strings.Contains(policy, "Candidate: "+version) || !strings.Contains(policy, url+" kubernetes-xenial/main") {
			t.Errorf("apt sees\n%s", policy)
		}
		c.must("apt-get", "download", "kubeadm")
		a.publishNow(next)
	}
}

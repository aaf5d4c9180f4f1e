package apt_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kubedist/pkg/apt"
	"kubedist/pkg/deb/debtest"
)

const flatDir = "core:/stable:/v1.36/deb"

var withFlat = append([]string{`"~1.36"`, `"~1.36", flat: "` + flatDir + `"`}, twoArchs...)

func (a *archive) flatRelease() *apt.Release {
	a.t.Helper()
	r, err := apt.ParseRelease([]byte(a.read(flatDir + "/Release")))
	if err != nil {
		a.t.Fatal(err)
	}
	return r
}

func TestFlat(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.def = definition(t, withFlat...)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"), newDeb(t, "kubeadm", "1.36.1-1.1", "arm64"), newDeb(t, "docs", "1:2+x~y-1", "all"))
	golden(t, "flat-packages", a.read(flatDir+"/Packages"))
	for name, pool := range map[string]string{
		"amd64/kubeadm_1.36.1-1.1_amd64.deb": "pool/main/k/kubeadm/kubeadm_1.36.1-1.1_amd64.deb",
		"arm64/kubeadm_1.36.1-1.1_arm64.deb": "pool/main/k/kubeadm/kubeadm_1.36.1-1.1_arm64.deb",
		"all/docs_2+x~y-1_all.deb":           "pool/main/d/docs/docs_2+x~y-1_all.deb",
	} {
		a.mustBeOneFile(flatDir+"/"+name, pool)
	}
	r := a.flatRelease()
	if r.Codename != "v1.36" || len(r.Components) > 0 || !r.AcquireByHash || len(r.Files) != 3 {
		t.Errorf("got %+v", r)
	}
	a.mustVerify()
	if report := a.verify(); report.Suites != 3 || report.Packages != 3 {
		t.Errorf("verified %+v", report)
	}
	// Another suite's package changes nothing here; one of its own does.
	before := snapshot(t, filepath.Join(a.root, flatDir))
	a.now = a.now.AddDate(0, 0, 1)
	a.publish([]string{"stable"}, newDeb(t, "kubectl", "1.36.1-1.1", "amd64"))
	if !mapsEqual(before, snapshot(t, filepath.Join(a.root, flatDir))) {
		t.Error("the flat directory changed without its suite")
	}
	a.publish([]string{"v1.36"}, newDeb(t, "kubectl", "1.36.2-1.1", "amd64"))
	if got := strings.Count(a.read(flatDir+"/Packages"), "Filename: "); got != 4 {
		t.Errorf("%d packages are listed", got)
	}
	if own := a.release("v1.36"); !own.Date.Equal(a.flatRelease().Date) {
		t.Errorf("dated %s, the suite %s", a.flatRelease().Date, own.Date)
	}
	a.mustVerify()
}

func mapsEqual(a, b map[string]string) bool {
	for name := range a {
		if a[name] != b[name] {
			return false
		}
	}
	return len(a) == len(b)
}

// TestFlatCatchesUp takes the flat form out of the definition for a while.
func TestFlatCatchesUp(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	plain, flat := a.def, definition(t, withFlat...)
	for i, step := range []struct {
		def  *apt.Definition
		want int
	}{{plain, 0}, {flat, 2}, {plain, 2}, {flat, 4}} {
		a.def = step.def
		a.now = epoch.AddDate(0, 0, i)
		a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36."+string(rune('0'+i))+"-1.1", "amd64"))
		if step.want == 0 {
			continue
		}
		if got := strings.Count(a.read(flatDir+"/Packages"), "Filename: "); got != step.want {
			t.Errorf("step %d: %d packages are listed, want %d", i, got, step.want)
		}
		if step.def == flat {
			a.mustVerify()
		}
	}
	// Without a package in between.
	a.def = plain
	a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.9-1.1", "amd64"))
	a.def = flat
	if got := a.publish(nil).Suites[0]; got.Reason != flatDir+": content changed" {
		t.Errorf("got %+v", got)
	}
	a.mustVerify()
}

// TestFlatGarbage removes a package and lets its generations pass.
func TestFlatGarbage(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.def = definition(t, append([]string{"generations: 5", "generations: 3"}, withFlat...)...)
	a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"), newDeb(t, "kubelet", "1.36.1-1.1", "amd64"))
	for i := range 4 {
		a.now = epoch.AddDate(0, 0, i+1)
		tx := a.begin()
		if i == 0 {
			if _, err := tx.Remove(t.Context(), apt.RemoveOptions{Suite: "v1.36", Selector: apt.Selector{Package: "kubelet"}}); err != nil {
				t.Fatal(err)
			}
		} else if _, err := tx.Add(t.Context(), []string{newDeb(t, "kubectl", "1.36."+string(rune('0'+i))+"-1.1", "amd64")}, apt.AddOptions{Suites: []string{"v1.36"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Publish(t.Context(), a.options()); err != nil {
			t.Fatal(err)
		}
		if err := tx.Close(); err != nil {
			t.Fatal(err)
		}
		tx = a.begin()
		garbage, err := tx.CollectGarbage(t.Context(), apt.GarbageOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := tx.Close(); err != nil {
			t.Fatal(err)
		}
		var want []apt.Garbage
		if i == 2 {
			size := int64(len(debtest.Bytes(t, "kubelet", "1.36.1-1.1", "amd64")))
			want = []apt.Garbage{{Path: flatDir + "/amd64/kubelet_1.36.1-1.1_amd64.deb", Size: size}, {Path: "pool/main/k/kubelet/kubelet_1.36.1-1.1_amd64.deb", Size: size}}
		}
		if !slices.Equal(garbage, want) {
			t.Errorf("after %d publishings: removed %v, want %v", i+1, garbage, want)
		}
		a.mustVerify()
	}
}

// TestVerifyFindsInFlat damages what only a flat directory has.
func TestVerifyFindsInFlat(t *testing.T) {
	t.Parallel()
	base := newArchive(t)
	base.def = definition(t, withFlat...)
	base.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	for name, problem := range map[string]string{
		"amd64/kubeadm_1.36.1-1.1_amd64.deb": "missing; listed in " + flatDir + "/Packages",
		"InRelease":                          "missing",
		"Packages.gz":                        "missing",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := *base
			a.root = copyTree(t, base.root)
			if err := os.Remove(filepath.Join(a.root, flatDir, name)); err != nil {
				t.Fatal(err)
			}
			want := apt.Finding{Path: flatDir + "/" + name, Problem: problem}
			if got := a.verify().Findings; !slices.Contains(got, want) {
				t.Errorf("found %v, want %v", got, want)
			}
		})
	}
	t.Run("a copy with other contents", func(t *testing.T) {
		t.Parallel()
		a := *base
		a.root = copyTree(t, base.root) // which has no links
		file := filepath.Join(a.root, flatDir, "amd64/kubeadm_1.36.1-1.1_amd64.deb")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)-1] ^= 1
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if got := a.verify().Findings; len(got) != 1 || !strings.HasPrefix(got[0].Problem, "its SHA-256 is ") {
			t.Errorf("found %v", got)
		}
	})
}

// TestAptTakesFlat uses the line that users of the community's packages have.
func TestAptTakesFlat(t *testing.T) {
	t.Parallel()
	need(t, "apt-get", "apt-cache", "gpgv")
	a := newArchive(t)
	a.def = definition(t, withFlat...)
	a.override = []apt.Refusal{apt.RefuseArchitecture}
	a.publishNow(newDeb(t, "kubeadm", "1.36.3-1.1", "amd64"), newDeb(t, "kubeadm", "1.36.3-1.1", "arm64"), newDeb(t, "docs", "1:2+x~y-1", "all"))
	url := a.serve()
	c := newClient(t, "amd64", "")
	line := "deb [signed-by=" + filepath.Join(a.root, "kubernetes-archive-keyring.gpg") + "] " + url + "/" + flatDir + "/ /\n"
	if err := os.WriteFile(filepath.Join(c.dir, "etc/sources.list.d/kubernetes.list"), []byte(line), 0o644); err != nil {
		t.Fatal(err)
	}
	next := newDeb(t, "kubeadm", "1.36.4-1.1", "amd64")
	for _, version := range []string{"1.36.3-1.1", "1.36.4-1.1"} {
		if out := c.must("apt-get", "update"); !strings.Contains(out, "Get:") {
			t.Errorf("nothing was fetched: %s", out)
		}
		if policy := c.must("apt-cache", "policy", "kubeadm"); !strings.Contains(policy, "Candidate: "+version) {
			t.Errorf("apt sees\n%s", policy)
		}
		c.must("apt-get", "download", "kubeadm", "docs")
		a.publishNow(next)
	}
	// In the middle of an update a client asks for what the InRelease names that it has.
	old := a.read(flatDir + "/InRelease")
	a.publishNow(newDeb(t, "kubeadm", "1.36.5-1.1", "amd64"))
	if err := os.WriteFile(filepath.Join(a.root, flatDir, "InRelease"), []byte(old), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(c.dir, "state/lists")); err != nil {
		t.Fatal(err)
	}
	c.must("apt-get", "update")
	if policy := c.must("apt-cache", "policy", "kubeadm"); !strings.Contains(policy, "Candidate: 1.36.4-1.1") {
		t.Errorf("apt sees\n%s", policy)
	}
}

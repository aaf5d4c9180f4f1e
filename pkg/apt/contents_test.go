package apt_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kubedist/pkg/apt"
	"kubedist/pkg/deb/debtest"
)

var withContents = append([]string{"contents: false", "contents: true"}, twoArchs...)

func (a *archive) contents(suite, arch string) string {
	a.t.Helper()
	return a.read("dists/" + suite + "/main/Contents-" + arch)
}

func TestContents(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	// What was published before there were lists is read from the pool.
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64", "Section: admin", "/usr/bin/kubeadm", "/usr/share/doc/kubeadm/old"))
	a.def = definition(t, withContents...)
	a.publish(all, newDeb(t, "kubeadm", "1.36.2-1.1", "amd64", "Section: admin", "/usr/bin/kubeadm", "/usr/share/doc/kubeadm/new file"),
		newDeb(t, "docs", "1-1", "all", "Section: a,b", "/usr/bin/kubeadm", "/usr/share/docs/ü", "/line\nend", "/blank ", "/"+strings.Repeat("x", 60)))
	golden(t, "Contents-amd64", a.contents("v1.36", "amd64"))
	if got := a.contents("v1.36", "arm64"); strings.Contains(got, "kubeadm\n") && !strings.Contains(got, " docs\n") {
		t.Errorf("got\n%s", got)
	}
	a.mustVerify()
	// A list that did not change is not written.
	a.now = a.now.AddDate(0, 0, 1)
	if got := a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.3-1.1", "amd64", "Section: admin", "/usr/bin/kubeadm")).Suites[0]; got.Indices != 3 {
		t.Errorf("got %+v, want the three forms of Packages alone", got)
	}
	a.mustVerify()
}

// TestContentsFollow adds and removes packages at random. After each step the list must be what it would be if it were
// made of all packages anew.
func TestContentsFollow(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	a := newArchive(t)
	a.def = definition(t, withContents...)
	var there []string // packages in the suite, by path
	for step := range 25 {
		a.now = epoch.AddDate(0, 0, step)
		tx := a.begin()
		if len(there) > 0 && random.IntN(3) == 0 {
			i := random.IntN(len(there))
			parts := strings.Split(filepath.Base(there[i]), "_")
			o := apt.RemoveOptions{Suite: "v1.36", Selector: apt.Selector{Package: parts[0], Relation: "=", Version: parts[1]}}
			removed, err := tx.Remove(t.Context(), o)
			if err != nil || len(removed) != 1 {
				t.Fatalf("removed %v, %v", removed, err)
			}
			there = slices.Delete(there, i, i+1)
		}
		var fresh []string
		for n := range random.IntN(3) {
			var fields []string
			for range random.IntN(4) {
				fields = append(fields, fmt.Sprintf("/usr/share/%d", random.IntN(6)))
			}
			if random.IntN(2) == 0 {
				fields = append(fields, "Section: "+[]string{"admin", "net"}[random.IntN(2)])
			}
			slices.Sort(fields)
			arch := []string{"amd64", "all"}[random.IntN(2)]
			fresh = append(fresh, newDeb(t, fmt.Sprintf("tool%d", random.IntN(3)), fmt.Sprintf("%d.%d%d", random.IntN(5), step, n), arch, slices.Compact(fields)...))
		}
		if _, err := tx.Add(t.Context(), fresh, apt.AddOptions{Suites: []string{"v1.36"}}); err != nil {
			t.Fatal(err)
		}
		there = append(there, fresh...)
		if _, err := tx.Publish(t.Context(), a.options()); err != nil {
			t.Fatal(err)
		}
		if err := tx.Close(); err != nil {
			t.Fatal(err)
		}
		if len(there) == 0 {
			continue
		}
		b := newArchive(t)
		b.def = a.def
		b.publish([]string{"v1.36"}, there...)
		for _, arch := range []string{"amd64", "arm64"} {
			if got, want := a.contents("v1.36", arch), b.contents("v1.36", arch); got != want {
				t.Fatalf("step %d, %s: got\n%s\nwant\n%s", step, arch, got, want)
			}
		}
	}
	a.mustVerify()
}

// TestContentsReadsLittle shows by a damaged pool what is read again: only what a lost version leaves.
func TestContentsReadsLittle(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.def = definition(t, withContents...)
	a.publish([]string{"v1.36"}, newDeb(t, "kubectl", "1.36.1-1.1", "amd64", "/usr/bin/kubectl"),
		newDeb(t, "kubeadm", "1.36.1-1.1", "amd64", "/old"), newDeb(t, "kubeadm", "1.36.2-1.1", "amd64", "/new"))
	damaged := filepath.Join(a.root, "pool/main/k/kubectl/kubectl_1.36.1-1.1_amd64.deb")
	if err := os.WriteFile(damaged, debtest.Bytes(t, "kubectl", "1.36.1-1.1", "amd64", "/usr/bin/other!"), 0o644); err != nil {
		t.Fatal(err)
	}
	remove := func(name, version string) error {
		t.Helper()
		a.now = a.now.AddDate(0, 0, 1)
		tx := a.begin()
		defer tx.Close()
		if _, err := tx.Remove(t.Context(), apt.RemoveOptions{Suite: "v1.36", Selector: apt.Selector{Package: name, Relation: "=", Version: version}}); err != nil {
			t.Fatal(err)
		}
		_, err := tx.Publish(t.Context(), a.options())
		return err
	}
	if err := remove("kubeadm", "1.36.1-1.1"); err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(a.contents("v1.36", "amd64")); !slices.Equal(got, []string{"new", "kubeadm", "usr/bin/kubectl", "kubectl"}) {
		t.Errorf("got %q", got)
	}
	a.publish([]string{"v1.36"}, newDeb(t, "kubectl", "1.36.2-1.1", "amd64", "/usr/bin/kubectl"))
	if err := remove("kubectl", "1.36.2-1.1"); err == nil || !strings.Contains(err.Error(), "kubectl_1.36.1-1.1_amd64.deb: its SHA-256 is ") {
		t.Errorf("got %v, want an error about the package that was read again", err)
	}
}

// TestContentsAgainstAptFtparchive compares with what apt-ftparchive makes of the same pool. It takes sections from files
// of its own alone.
func TestContentsAgainstAptFtparchive(t *testing.T) {
	t.Parallel()
	need(t, "apt-ftparchive")
	a := newArchive(t)
	a.def = definition(t, withContents...)
	a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.3-1.1", "amd64", "Section: admin", "/usr/bin/kubeadm", "/etc/a b"),
		newDeb(t, "kubectl", "1.36.3-1.1", "amd64", "/usr/bin/kubectl", "/usr/share/both"), newDeb(t, "docs", "1-1", "all", "Section: doc", "/usr/share/both"))
	cmd := exec.CommandContext(t.Context(), "apt-ftparchive", "contents", "pool")
	cmd.Dir = a.root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	sections := regexp.MustCompile(`([ ,])(?:admin|doc)/`)
	lines := func(text string) []string {
		var all []string
		for line := range strings.Lines(text) {
			all = append(all, sections.ReplaceAllString(strings.Join(strings.Fields(line), " "), "$1"))
		}
		slices.Sort(all)
		return all
	}
	if got, want := lines(a.contents("v1.36", "amd64")), lines(string(out)); len(got) != 4 || !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// TestAptTakesContents fetches the lists with the configuration of apt-file.
func TestAptTakesContents(t *testing.T) {
	t.Parallel()
	need(t, "apt-get", "gpgv")
	a := newArchive(t)
	a.def = definition(t, withContents...)
	a.publishNow(newDeb(t, "kubeadm", "1.36.3-1.1", "amd64", "/usr/bin/kubeadm"))
	c := newClient(t, "amd64", a.installSources(a.serve(), "kubernetes-archive-keyring.gpg"))
	for key, value := range map[string]string{"MetaKey": "$(COMPONENT)/Contents-$(ARCHITECTURE)", "ShortDescription": "Contents-$(ARCHITECTURE)", "Description": "$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Contents", "KeepCompressed": "true"} {
		c.opts = append(c.opts, "-o", "Acquire::IndexTargets::deb::Contents-deb::"+key+"="+value)
	}
	c.must("apt-get", "update")
	if lists, err := filepath.Glob(filepath.Join(c.dir, "state/lists/*Contents-amd64*")); err != nil || len(lists) != 1 {
		t.Errorf("apt fetched %q", lists)
	}
}

// FuzzContents reads a list as a published one and changes it.
func FuzzContents(f *testing.F) {
	f.Add("usr/bin/x  admin/a,b\nusr/bin/y c\n", "usr/bin/x", "a")
	f.Add(" \n\n,", "", "a")
	f.Add("a b c/d\nb ,\n", "z\t", "d")
	f.Fuzz(func(t *testing.T, old, file, name string) {
		text, ok := apt.ChangeContents(old, file, name)
		if !ok {
			return
		}
		if again, ok := apt.ChangeContents(text, file, name); !ok || again != text {
			t.Errorf("once gives %q, twice %q", text, again)
		}
	})
}

package apt_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/apt"
)

// newDSC writes a source package with files of the given texts, by name, into a directory of its own.
func newDSC(t testing.TB, name, version string, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf("Format: 3.0 (quilt)\nSource: %s\nBinary: kubeadm\nArchitecture: any\nVersion: %s\nMaintainer: A <a@example.org>\nChecksums-Sha256:\n", name, version)
	for _, file := range slices.Sorted(maps.Keys(files)) {
		text += fmt.Sprintf(" %x %d %s\n", sha256.Sum256([]byte(files[file])), len(files[file]), file)
		if err := os.WriteFile(filepath.Join(dir, file), []byte(files[file]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, name+"_"+version+".dsc")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// publishSources runs one transaction that adds source packages to v1.36.
func (a *archive) publishSources(files ...string) []apt.Added {
	a.t.Helper()
	tx := a.begin()
	defer tx.Close()
	added, err := tx.AddSources(a.t.Context(), files, apt.AddOptions{Suites: []string{"v1.36"}})
	if err != nil {
		a.t.Fatal(err)
	}
	if _, err := tx.Publish(a.t.Context(), a.options()); err != nil {
		a.t.Fatal(err)
	}
	if err := tx.Close(); err != nil {
		a.t.Fatal(err)
	}
	return added
}

func TestSources(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.def = definition(t, withAlias...)
	orig := map[string]string{"kubernetes_1.36.1.orig.tar.xz": "upstream"}
	first := map[string]string{"kubernetes_1.36.1-1.debian.tar.xz": "one"}
	maps.Copy(first, orig)
	a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	if got := a.walk("dists", "/source/"); len(got) > 0 {
		t.Errorf("without a source package there is %v", got)
	}
	added := a.publishSources(newDSC(t, "kubernetes", "1.36.1-1", first))
	if added[0].Outcome != apt.OutcomeAdded || added[0].Filename != "pool/main/k/kubernetes/kubernetes_1.36.1-1.dsc" || added[0].Architecture != "source" {
		t.Errorf("got %+v", added)
	}
	golden(t, "Sources", a.read("dists/v1.36/main/source/Sources"))
	if got := a.read("dists/newest/main/source/Release"); !strings.Contains(got, "Archive: newest\n") || !strings.HasSuffix(got, "Architecture: source\n") {
		t.Errorf("the alias has %s", got)
	}
	a.mustVerify()
	// A second revision shares the upstream file, and need not bring it.
	second := newDSC(t, "kubernetes", "1.36.1-2", map[string]string{"kubernetes_1.36.1.orig.tar.xz": "upstream", "kubernetes_1.36.1-2.debian.tar.xz": "two"})
	if err := os.Remove(filepath.Join(filepath.Dir(second), "kubernetes_1.36.1.orig.tar.xz")); err != nil {
		t.Fatal(err)
	}
	a.now = a.now.AddDate(0, 0, 1)
	a.publishSources(second)
	if got := a.publishSources(second); got[0].Outcome != apt.OutcomePresent {
		t.Errorf("added again: %+v", got)
	}
	if got := a.versions("v1.36"); got != "kubeadm 1.36.1-1.1 [amd64], kubernetes 1.36.1-1 [source], kubernetes 1.36.1-2 [source]" {
		t.Errorf("got %s", got)
	}
	a.mustVerify()
}

// TestSourcesGarbage removes one of two revisions. The file that they share stays, and the others go when no index that
// a client may be in the middle of names them.
func TestSourcesGarbage(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.def = definition(t, append([]string{"generations: 5", "generations: 3"}, twoArchs...)...)
	for _, revision := range []string{"1", "2"} {
		a.publishSources(newDSC(t, "kubernetes", "1.36.1-"+revision, map[string]string{"kubernetes_1.36.1.orig.tar.xz": "upstream", "kubernetes_1.36.1-" + revision + ".debian.tar.xz": revision}))
	}
	for i := range 4 {
		a.now = epoch.AddDate(0, 0, i+1)
		tx := a.begin()
		if i == 0 {
			removed, err := tx.Remove(t.Context(), apt.RemoveOptions{Suite: "v1.36", Selector: apt.Selector{Package: "kubernetes", Architecture: "source", Relation: "=", Version: "1.36.1-1"}})
			if want := []apt.Removed{{Package: "kubernetes", Version: "1.36.1-1", Architecture: "source"}}; err != nil || !slices.Equal(removed, want) {
				t.Errorf("removed %v, %v", removed, err)
			}
		} else if _, err := tx.AddSources(t.Context(), []string{newDSC(t, "other", fmt.Sprint(i), map[string]string{fmt.Sprintf("other_%d.tar.xz", i): "x"})}, apt.AddOptions{Suites: []string{"v1.36"}}); err != nil {
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
		var names []string
		for _, g := range garbage {
			names = append(names, filepath.Base(g.Path))
		}
		var want []string
		if i == 2 {
			want = []string{"kubernetes_1.36.1-1.debian.tar.xz", "kubernetes_1.36.1-1.dsc"}
		}
		if !slices.Equal(names, want) {
			t.Errorf("after %d publishings: removed %v, want %v", i+1, names, want)
		}
		a.mustVerify()
	}
}

func TestAddSourcesRefuses(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publishSources(newDSC(t, "kubernetes", "1.36.1-1", map[string]string{"kubernetes_1.36.1.orig.tar.xz": "upstream"}))
	before := snapshot(t, a.root)
	change := func(file string, old, new string) string {
		text, err := os.ReadFile(file)
		if err == nil {
			err = os.WriteFile(file, []byte(strings.Replace(string(text), old, new, 1)), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	other := newDSC(t, "kubernetes", "1.36.2-1", map[string]string{"a.tar": "x"})
	lost := newDSC(t, "kubernetes", "1.36.2-1", map[string]string{"a.tar": "x"})
	renamed := filepath.Join(filepath.Dir(lost), "k8s.dsc")
	if err := errors.Join(os.Remove(filepath.Join(filepath.Dir(lost), "a.tar")), os.Link(lost, renamed)); err != nil {
		t.Fatal(err)
	}
	damaged := newDSC(t, "kubernetes", "1.36.2-1", map[string]string{"a.tar": "x"})
	change(filepath.Join(filepath.Dir(damaged), "a.tar"), "x", "y")
	for _, c := range []struct {
		name, file, want string
	}{
		{"another upstream file", newDSC(t, "kubernetes", "1.36.1-2", map[string]string{"kubernetes_1.36.1.orig.tar.xz": "changed"}), "kubernetes_1.36.1.orig.tar.xz: the archive has it with SHA-256 "},
		{"another .dsc", change(newDSC(t, "kubernetes", "1.36.1-1", map[string]string{"kubernetes_1.36.1.orig.tar.xz": "upstream"}), "Binary: kubeadm", "Binary: kubectl"), "kubernetes_1.36.1-1.dsc: the archive has it"},
		{"a file that is not there", lost, "a.tar: no such file"},
		{"a file with other contents", damaged, "file a.tar: is not the one that the .dsc names"},
		{"another file name", renamed, "its name is not that of its source and version, kubernetes_1.36.2-1.dsc"},
		{"a traversal", change(other, " a.tar", " ../../../etc/passwd"), "is no plain file name"},
		{"a package among the files", newDSC(t, "kubernetes", "1.36.2-1", map[string]string{"a_1_all.deb": "x"}), "file a_1_all.deb: a source package has no packages in it"},
		{"half a signature", change(newDSC(t, "kubernetes", "1.36.2-1", nil), "Format:", "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nFormat:"), "no whole signature"},
		{"a directory", t.TempDir(), "not a regular file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tx := a.begin()
			defer tx.Close()
			if added, err := tx.AddSources(t.Context(), []string{c.file}, apt.AddOptions{Suites: []string{"v1.36"}}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %+v, %v; want %q in the error", added, err, c.want)
			}
			if result, err := tx.Publish(t.Context(), a.options()); err != nil || result.Suites[0].Published {
				t.Errorf("what was refused was published: %+v, %v", result, err)
			}
		})
	}
	if !maps.Equal(before, snapshot(t, a.root)) {
		t.Error("the tree changed")
	}
}

// TestVerifyFindsInSources damages files of a source package.
func TestVerifyFindsInSources(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publishSources(newDSC(t, "kubernetes", "1.36.1-1", map[string]string{"kubernetes_1.36.1.orig.tar.xz": "upstream"}))
	if err := os.WriteFile(filepath.Join(a.root, "pool/main/k/kubernetes/kubernetes_1.36.1.orig.tar.xz"), []byte("Upstream"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(a.root, "pool/main/k/kubernetes/kubernetes_1.36.1-1.dsc")); err != nil {
		t.Fatal(err)
	}
	got := a.verify().Findings
	if len(got) != 2 || got[0].Problem != "missing; listed in dists/v1.36/main/source/Sources" || !strings.HasPrefix(got[1].Problem, "its SHA-256 is ") {
		t.Errorf("found %v", got)
	}
}

// realSource builds a source package with Debian's tools, and signs its .dsc.
func realSource(t *testing.T) string {
	t.Helper()
	need(t, "dpkg-source")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"p/debian/control":       "Source: kubernetes\nSection: admin\nPriority: optional\nMaintainer: A <a@example.org>\nStandards-Version: 4.7.0\n\nPackage: kubeadm\nArchitecture: any\nDescription: tool\n",
		"p/debian/changelog":     "kubernetes (1:1.36.3) unstable; urgency=low\n\n  * One.\n\n -- A <a@example.org>  Tue, 14 Jul 2026 09:30:00 +0000\n",
		"p/debian/source/format": "3.0 (native)\n",
		"p/hello":                "hello\n",
	} {
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755), os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "dpkg-source", "--build", "p")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("dpkg-source: %v\n%s", err, out)
	}
	file := filepath.Join(dir, "kubernetes_1.36.3.dsc")
	text, err := os.ReadFile(file)
	if err == nil {
		text, err = newKey(t, 3).Clearsign(t.Context(), text, epoch)
	}
	if err == nil {
		err = os.WriteFile(file, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestAptGetSource fetches and unpacks a source package as users do.
func TestAptGetSource(t *testing.T) {
	t.Parallel()
	need(t, "apt-get", "gpgv")
	a := newArchive(t)
	a.now = time.Now()
	a.publishSources(realSource(t))
	a.mustVerify()
	c := newClient(t, "amd64", strings.Replace(a.installSources(a.serve(), "kubernetes-archive-keyring.gpg"), "Types: deb\n", "Types: deb deb-src\n", 1))
	c.must("apt-get", "update")
	if out := c.must("apt-cache", "showsrc", "kubeadm"); !strings.Contains(out, "Package: kubernetes\n") {
		t.Errorf("apt shows\n%s", out)
	}
	c.must("apt-get", "source", "--download-only", "kubernetes")
	for _, name := range []string{"kubernetes_1.36.3.dsc", "kubernetes_1.36.3.tar.xz"} {
		got, err := os.ReadFile(filepath.Join(c.dir, name))
		if err != nil || string(got) != a.read("pool/main/k/kubernetes/"+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "dpkg-source", "--no-check", "--extract", "kubernetes_1.36.3.dsc")
	cmd.Dir = c.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("dpkg-source: %v\n%s", err, out)
	}
}

// TestDebmirrorSource mirrors an archive with source packages, and with all that Release may list.
func TestDebmirrorSource(t *testing.T) {
	t.Parallel()
	need(t, "debmirror", "gpgv")
	a := newArchive(t)
	a.def = definition(t, "contents: false", "contents: true", "translations: false", "translations: true", twoArchs[0], twoArchs[1])
	a.now = time.Now()
	a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.3-1.1", "amd64", "/usr/bin/kubeadm"))
	a.now = time.Now()
	a.publishSources(realSource(t))
	host := strings.TrimPrefix(a.serve(), "http://")
	mirror, home := t.TempDir(), t.TempDir()
	cmd := exec.CommandContext(t.Context(), "debmirror", "--method=http", "--host="+host, "--root=/", "--dist=v1.36", "--section=main", "--arch=amd64",
		"--source", "--getcontents", "--i18n", "--keyring="+filepath.Join(a.root, "kubernetes-archive-keyring.gpg"), "--rsync-extra=none", "--diff=none", "--nocleanup", mirror)
	cmd.Env = append(os.Environ(), "HOME="+home, "LC_ALL=C", "http_proxy=", "no_proxy=127.0.0.1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("debmirror: %v\n%s", err, out)
	}
	for _, name := range []string{
		"pool/main/k/kubernetes/kubernetes_1.36.3.tar.xz", "pool/main/k/kubernetes/kubernetes_1.36.3.dsc", "pool/main/k/kubeadm/kubeadm_1.36.3-1.1_amd64.deb",
		"dists/v1.36/main/source/Sources.gz", "dists/v1.36/main/source/Release", "dists/v1.36/main/binary-amd64/Release", "dists/v1.36/main/Contents-amd64.gz",
	} {
		got, err := os.ReadFile(filepath.Join(mirror, name))
		if err != nil || string(got) != a.read(name) {
			t.Errorf("the mirror's %s is not ours: %v\n%s", name, err, out)
		}
	}
}

// FuzzParseSources reads an index of source packages.
func FuzzParseSources(f *testing.F) {
	text, err := os.ReadFile("testdata/Sources")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("Package: xy\nVersion: 1\nDirectory: pool/../..\nChecksums-Sha256:\n")
	f.Fuzz(func(t *testing.T, text string) {
		paths, err := apt.ParseSources(text)
		if err != nil {
			return
		}
		for _, name := range paths {
			if !strings.HasPrefix(name, "pool/") || filepath.Clean(name) != name {
				t.Errorf("path %q", name)
			}
		}
	})
}

package changes_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/changes"
	"kubedist/pkg/deb822"
)

var update = flag.Bool("update", false, "write golden files")

const changelog = `kubeadm (1:1.36.3-1.1) stable; urgency=medium

  * kubernetes v1.36.3.
    Compiled from k8s.io/kubernetes.

  * More.

 -- Test <test@example.org>  Wed, 22 Jul 2026 18:07:38 +0000

kubeadm (1.36.2-1.1) stable; urgency=low

  * Old.

 -- Test <test@example.org>  Wed, 15 Jul 2026 18:07:38 +0000
`

func upload(t testing.TB, architectures ...string) *changes.Upload {
	t.Helper()
	entry, err := changes.ParseEntry(changelog, "kubeadm", "1:1.36.3-1.1")
	if err != nil {
		t.Fatal(err)
	}
	u := &changes.Upload{
		Source: "kubeadm", Version: "1:1.36.3-1.1", Maintainer: "Test <test@example.org>", Entry: entry,
		Date: time.Date(2026, 7, 22, 20, 7, 38, 0, time.FixedZone("", 7200)),
	}
	for _, arch := range architectures {
		file, err := changes.Of(t.Context(), "kubeadm_1.36.3-1.1_"+arch+".deb", strings.NewReader(arch))
		if err != nil {
			t.Fatal(err)
		}
		u.Packages = append(u.Packages, changes.Package{Name: "kubeadm", Architecture: arch, Section: "admin", Priority: "optional", Summary: "tool of tests", File: file})
	}
	return u
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("not %s (%v):\n%s", path, err, got)
	}
}

// both writes the two files of an upload.
func both(t testing.TB, u *changes.Upload) (info, list []byte) {
	t.Helper()
	info, err := u.BuildInfo(changes.Build{
		Architecture: "amd64", Packages: []string{"libc6-dev (= 2.31-13)", "gcc-10 (= 10.2.1-6)"}, Environment: map[string]string{"SOURCE_DATE_EPOCH": "1784743658", "QUOTED": `a"\`},
		Tools: []deb822.Field{{Name: "Build-Tool", Value: "kubedist 1.0"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file, err := changes.Of(t.Context(), u.Name(".buildinfo"), bytes.NewReader(info))
	if err != nil {
		t.Fatal(err)
	}
	if list, err = u.Changes(file); err != nil {
		t.Fatal(err)
	}
	return info, list
}

func TestUpload(t *testing.T) {
	t.Parallel()
	u := upload(t, "arm64", "amd64")
	info, list := both(t, u)
	golden(t, "multi.buildinfo", info)
	golden(t, "multi.changes", list)
	if name := u.Name(".changes"); name != "kubeadm_1.36.3-1.1_multi.changes" {
		t.Errorf("name %s", name)
	}
	if name := upload(t, "armhf").Name(".buildinfo"); name != "kubeadm_1.36.3-1.1_armhf.buildinfo" {
		t.Errorf("name %s", name)
	}
	plain, err := u.BuildInfo(changes.Build{Architecture: "amd64", Environment: map[string]string{"A": "b"}})
	if err != nil || bytes.Contains(plain, []byte("Installed-Build-Depends")) {
		t.Errorf("got %s, %v", plain, err)
	}
	for text, want := range map[string]int{string(info): 2, string(list): 3} {
		l, err := changes.Parse([]byte(text))
		if err != nil || l.Source != "kubeadm" || l.Version != "1:1.36.3-1.1" || len(l.Files) != want {
			t.Errorf("got %+v, %v", l, err)
		}
	}
}

func TestUploadRefuses(t *testing.T) {
	t.Parallel()
	if _, err := upload(t).Changes(); err == nil || !strings.Contains(err.Error(), "without packages") {
		t.Errorf("got %v", err)
	}
	if _, err := upload(t, "amd64", "amd64").BuildInfo(changes.Build{}); err == nil || !strings.Contains(err.Error(), "comes twice") {
		t.Errorf("got %v", err)
	}
	u := upload(t, "amd64")
	u.Packages[0].Summary = "two\n\nlines"
	if _, err := u.Changes(); err == nil || !strings.Contains(err.Error(), "field Description") {
		t.Errorf("got %v", err)
	}
}

func TestParseEntryRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ old, with, want string }{
		"another package": {"kubeadm (1:", "kubelet (1:", "begins with kubelet"},
		"another version": {"1:1.36.3", "1:1.36.4", "begins with kubeadm 1:1.36.4-1.1"},
		"no heading":      {"stable; urgency=medium", "stable", "is no heading"},
		"a stray line":    {"  * More", "* More", "line 6 is neither"},
		"no trailer":      {" -- ", " - ", "line 8 is neither"},
		"nothing":         {changelog, "", "is no heading"},
		"its end":         {changelog, changelog[:strings.Index(changelog, "\n -- ")], "has no trailer"},
	} {
		_, err := changes.ParseEntry(strings.Replace(changelog, c.old, c.with, 1), "kubeadm", "1:1.36.3-1.1")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q in it", name, err, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	_, list := both(t, upload(t, "amd64"))
	good := string(list)
	for name, c := range map[string]struct{ old, with, want string }{
		"no source":          {"Source: kubeadm", "Source: k", "package name"},
		"an odd version":     {"Version: 1:", "Version: x:", "version"},
		"no digests":         {"Checksums-Sha256", "Checksums-Sha257", "lists no files"},
		"another size":       {" 5 admin optional", " 6 admin optional", "field Files"},
		"another name":       {"optional kubeadm_1.36.3-1.1_amd64.deb", "optional other.deb", "field Files"},
		"another in Sha1":    {"Checksums-Sha1:\n", "Checksums-Sha1:\n x 1 other.deb\n", "field Checksums-Sha1"},
		"a path":             {" kubeadm_1.36.3-1.1_amd64.deb\nFiles", " ../x.deb\nFiles", "plain file name"},
		"a second paragraph": {"Format", "Source: a\n\nFormat", "second"},
		"odd words":          {" admin optional", " admin", "field Files"},
	} {
		bad := strings.ReplaceAll(good, c.old, c.with)
		if bad == good {
			t.Fatalf("%s: nothing to change", name)
		}
		if _, err := changes.Parse([]byte(bad)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q in it", name, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	info, list := both(f, upload(f, "amd64", "arm64"))
	f.Add(info)
	f.Add(list)
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := changes.Parse(text)
		if err == nil && (l.Source == "" || len(l.Files) == 0) {
			t.Fatalf("got %+v", l)
		}
	})
}

func FuzzParseEntry(f *testing.F) {
	f.Add(changelog)
	f.Fuzz(func(t *testing.T, text string) {
		e, err := changes.ParseEntry(text, "kubeadm", "1:1.36.3-1.1")
		if err == nil && (e.Distribution == "" || e.Urgency == "") {
			t.Fatalf("got %+v", e)
		}
	})
}

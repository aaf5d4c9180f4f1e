package apt_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kubedist/pkg/apt"
)

var withTranslations = append([]string{"translations: false", "translations: true"}, twoArchs...)

func TestTranslation(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.override = []apt.Refusal{apt.RefuseArchitecture}
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	without := a.read("dists/v1.36/main/binary-amd64/Packages")
	if strings.Contains(without, "Description-md5") {
		t.Fatal("Packages names translations that are not there")
	}
	// What was published before gets its names, too.
	a.def = definition(t, withTranslations...)
	a.publish(all, newDeb(t, "kubeadm", "1.36.2-1.1", "arm64"), newDeb(t, "docs", "1-1", "all", "Description-md5: x"))
	golden(t, "Translation-en", a.read("dists/v1.36/main/i18n/Translation-en"))
	for _, arch := range []string{"amd64", "arm64"} {
		text := a.read("dists/v1.36/main/binary-" + arch + "/Packages")
		if strings.Count(text, "\n It does nothing.\nDescription-md5: ") != 2 || strings.Count(text, "Description-md5") != 2 {
			t.Errorf("%s: not each paragraph has its description and the name of it:\n%s", arch, text)
		}
	}
	a.mustVerify()
	// Another version with the same description changes nothing in the translations.
	before := snapshot(t, a.root)["dists/v1.36/main/i18n/Translation-en.gz"]
	a.now = a.now.AddDate(0, 0, 1)
	if got := a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.3-1.1", "amd64")).Suites[0]; got.Indices != 3 {
		t.Errorf("got %+v, want the three forms of Packages alone", got)
	}
	if snapshot(t, a.root)["dists/v1.36/main/i18n/Translation-en.gz"] != before {
		t.Error("translations that did not change were written")
	}
	a.mustVerify()
	a.def = definition(t, twoArchs...)
	a.now = a.now.AddDate(0, 0, 1)
	a.publish(all)
	if got := a.walk("dists", "i18n/Translation-en"); len(got) > 0 {
		t.Errorf("translations that are no longer wanted are there: %v", got)
	}
	a.mustVerify()
}

func TestRawField(t *testing.T) {
	t.Parallel()
	const text = "Package: x\nDescription: short\n long\n .\n  last\nDescription-md5: abc\nEmpty:\nLast: 1\n tail"
	for _, c := range []struct {
		name, value, rest string
		found             bool
	}{
		{"Package", "x", "Description: short\n long\n .\n  last\nDescription-md5: abc\nEmpty:\nLast: 1\n tail", true},
		{"description", "short\n long\n .\n  last", "Description-md5: abc\nEmpty:\nLast: 1\n tail", true},
		{"Description-md5", "abc", "Empty:\nLast: 1\n tail", true},
		{"Empty", "", "Last: 1\n tail", true},
		{"Last", "1\n tail", "", true},
		{"Descr", "", "", false},
		{"long", "", "", false},
	} {
		value, end, found := apt.RawField(text, c.name)
		if value != c.value || found != c.found || found && text[end:] != c.rest {
			t.Errorf("%s: got %q, %d, %v", c.name, value, end, found)
		}
	}
}

// TestAptTakesTranslations: apt fetches them and finds the description by its name. apt-ftparchive gives the same names.
func TestAptTakesTranslations(t *testing.T) {
	t.Parallel()
	need(t, "apt-get", "apt-cache", "apt-ftparchive", "gpgv")
	a := newArchive(t)
	a.def = definition(t, withTranslations...)
	a.publishNow(newDeb(t, "kubeadm", "1.36.3-1.1", "amd64"))
	c := newClient(t, "amd64", a.installSources(a.serve(), "kubernetes-archive-keyring.gpg"))
	c.opts = append(c.opts, "-o", "Acquire::Languages=en")
	c.must("apt-get", "update")
	if lists, err := filepath.Glob(filepath.Join(c.dir, "state/lists/*Translation-en*")); err != nil || len(lists) != 1 {
		t.Errorf("apt fetched %q", lists)
	}
	if show := c.must("apt-cache", "show", "kubeadm"); strings.Count(show, "It does nothing.") != 1 {
		t.Errorf("apt shows\n%s", show)
	}
	cmd := exec.CommandContext(t.Context(), "apt-ftparchive", "-o", "APT::FTPArchive::LongDescription=false", "packages", "pool")
	cmd.Dir = a.root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	sum := regexp.MustCompile(`(?m)^Description-md5: .*$`).FindString(string(out))
	if packages := a.read("dists/v1.36/main/binary-amd64/Packages"); sum == "" || !strings.Contains(packages, sum) {
		t.Errorf("apt-ftparchive has %q; Packages has\n%s", sum, packages)
	}
}

package published_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kubedist/pkg/platform"
	"kubedist/pkg/published"
)

// Digests of no file: only their form matters here.
var (
	one   = strings.Repeat("1", 64) // all decimal digits, which YAML could take for a number
	two   = strings.Repeat("2e", 32)
	three = strings.Repeat("ab", 32)
)

func options(t *testing.T) published.Options {
	t.Helper()
	o := published.Options{Programs: []string{"kubeadm", "kubectl"}}
	for _, name := range []string{"linux/amd64", "linux/arm64", "linux/arm/v7", "windows/amd64"} {
		id, err := platform.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		o.Platforms = append(o.Platforms, id)
	}
	return o
}

// lines writes entries for comparison.
func lines(c *published.Checksums) []string {
	var list []string
	for _, e := range c.Entries {
		list = append(list, strings.Join(strings.Fields(e.Program+" "+e.Platform.String()+" "+e.Version+" "+e.SHA256[:2]+" "+filepath.Base(e.File)), " "))
	}
	return list
}

func check(t *testing.T, c *published.Checksums, err error, want ...string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if got := lines(c); !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func refused(t *testing.T, err error, want string) {
	t.Helper()
	if !errors.Is(err, published.ErrFormat) || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}

func TestParseSums(t *testing.T) {
	t.Parallel()
	text := three + "  release.json\n" + one + "  bin/linux/arm/kubeadm\n" + two + "  bin/windows/amd64/kubectl.exe\n" +
		three + "  v1.34.0/bin/linux/amd64/cni-plugins/bridge\n" + three + "  linux/plan9/kubeadm\n" + three + "  linux/amd64/kubeadm.sha256\n"
	c, err := published.ParseSums("SUMS", []byte(text), options(t))
	check(t, c, err, "bridge linux/amd64 v1.34.0 ab bridge", "kubeadm linux/arm/v7 11 kubeadm", "kubectl windows/amd64 2e kubectl.exe")
	_, err = published.ParseSums("SUMS", []byte(one+"  bin/linux/arm/kubeadm\n"+two+"  x/linux/armv7/kubeadm\n"), options(t))
	refused(t, err, "SUMS (x/linux/armv7/kubeadm): kubeadm of linux/arm/v7 is 2e")
	_, err = published.ParseSums("SUMS", []byte(one+" bin/linux/arm/kubeadm\n"), options(t))
	refused(t, err, "SUMS: line 1: ")
}

func TestParseSum(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{ // an error begins with the file's name
		two:                                    "",
		two + "\n":                             "",
		two + "\r\n":                           "",
		strings.ToUpper(two):                   "",
		two + "  kubeadm\n":                    "",
		two + " *bin/kubeadm":                  "",
		"":                                     "d/kubeadm.sha256:1: \"\" is not a SHA-256 digest",
		two[1:]:                                "d/kubeadm.sha256:1: ",
		"sha256:" + two:                        "d/kubeadm.sha256:1: ",
		two + " kubeadm":                       "d/kubeadm.sha256:1: the digest is that of",
		two + "  kubelet\n":                    "d/kubeadm.sha256:1: the digest is that of \"kubelet\", not of \"kubeadm\"",
		two + "\n\n":                           "d/kubeadm.sha256:2: more than one line",
		two + "\n" + two + "\n":                "d/kubeadm.sha256:2: more than one line",
		two + "  " + strings.Repeat("x", 5000): "d/kubeadm.sha256: larger than 4096 bytes",
	} {
		got, err := published.ParseSum("d/kubeadm.sha256", []byte(text))
		switch {
		case want == "" && (err != nil || got != two):
			t.Errorf("%q: %s, %v", text, got, err)
		case want != "":
			refused(t, err, want)
			if err != nil && !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%q: error %q", text, err)
			}
		}
	}
}

func TestParseKubespray(t *testing.T) {
	t.Parallel()
	now := "---\ncrictl_checksums:\n  arm64:\n    1.34.0: sha256:" + one + "\nkubeadm_checksums:\n  arm64:\n    1.34.0: sha256:" + two +
		"\n    1.33.1: sha256:" + three + "\n  sparc:\n    1.34.0: sha256:" + one + "\nskopeo_checksums: &x {any: thing}\nother: *x\n"
	c, err := published.ParseKubespray("checksums.yml", []byte(now), options(t))
	check(t, c, err, "kubeadm linux/arm64 v1.33.1 ab .", "kubeadm linux/arm64 v1.34.0 2e .")
	if got := c.Entries[0].Place; got != "checksums.yml:8" {
		t.Errorf("place is %s", got)
	}
	if of := c.Of("v1.34.0"); len(of) != 1 || of[0].SHA256 != two {
		t.Errorf("of v1.34.0: %v", of)
	}
	before := "kubectl_checksums:\n  arm:\n    v1.30.4: " + one + "\n    v1.30.3: 0\n  amd64:\n    v1.30.4: " + two + "\n"
	c, err = published.ParseKubespray("checksums.yml", []byte(before), options(t))
	check(t, c, err, "kubectl linux/amd64 v1.30.4 2e .", "kubectl linux/arm/v7 v1.30.4 11 .")
}

func TestParseKubesprayRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                     "",
		"[]":                                   "c.yml:1: the file is not a mapping",
		"kubeadm_checksums: 5":                 "c.yml:1: kubeadm_checksums is not a mapping",
		"kubeadm_checksums:\n  1.14.1: " + one: `c.yml:2: kubeadm_checksums: "1.14.1" is not an architecture`,
		"kubeadm_checksums:\n  amd64: 1":       "c.yml:2: kubeadm_checksums.amd64 is not a mapping",
		"kubeadm_checksums:\n  amd64:\n    new: " + one:                                `c.yml:3: "new" is not a version`,
		"kubeadm_checksums:\n  amd64:\n    1.34.0: sha512:" + one:                      `c.yml:3: 1.34.0: "sha512:`,
		"kubeadm_checksums:\n  amd64:\n    1.34.0: [x]":                                "c.yml:3: 1.34.0: not a SHA-256 digest",
		"kubeadm_checksums:\n  amd64: &a\n    1.34.0: " + two + "\n  arm64: *a":        "c.yml:4: kubeadm_checksums.arm64 is not a mapping",
		"kubeadm_checksums:\n  amd64:\n    1.34.0: " + two + "\n    1.34.0: " + three:  "c.yml:4: ",
		"kubeadm_checksums:\n  amd64:\n    1.34.0: " + two + "\n    v1.34.0: " + three: "c.yml:4: kubeadm of linux/amd64 is ab",
		"a: [": "c.yml:1: ",
	} {
		c, err := published.ParseKubespray("c.yml", []byte(text), options(t))
		if want == "" {
			check(t, c, err)
			continue
		}
		refused(t, err, want)
	}
}

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRead(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"v1.34.0/bin/linux/amd64/kubeadm.sha256": two, "v1.34.0/bin/linux/amd64/kubeadm": "program",
		"v1.34.0/bin/linux/arm64/kubeadm.sha256": three + "  kubeadm\n", "kubernetes.tar.gz.sha256": "not read",
		"SHA256SUMS": one + "  bin/linux/amd64/kubectl\n", "checksums.yml": "kubeadm_checksums: {amd64: {1.34.0: " + two + "}}", "empty/x": "",
	})
	at := func(name string) (*published.Checksums, error) {
		return published.Read(t.Context(), filepath.Join(dir, filepath.FromSlash(name)), options(t))
	}
	c, err := at(".")
	check(t, c, err, "kubeadm linux/amd64 v1.34.0 2e kubeadm", "kubeadm linux/arm64 v1.34.0 ab .", "kubectl linux/amd64 11 .")
	c, err = at("v1.34.0/bin/linux/amd64")
	check(t, c, err, "kubeadm linux/amd64 v1.34.0 2e kubeadm")
	c, err = at("v1.34.0/bin/linux/amd64/kubeadm.sha256")
	check(t, c, err, "kubeadm linux/amd64 v1.34.0 2e kubeadm")
	c, err = at("checksums.yml")
	check(t, c, err, "kubeadm linux/amd64 v1.34.0 2e .")
	c, err = at("SHA256SUMS")
	check(t, c, err, "kubectl linux/amd64 11 .")
	_, err = at("empty")
	refused(t, err, "no checksum of a program that a release has")
	_, err = at("kubernetes.tar.gz.sha256")
	refused(t, err, "its path names no platform")
	if _, err = at("nothing"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
}

// TestReadStaysInside: a link in a directory does not lead to what is outside.
func TestReadStaysInside(t *testing.T) {
	t.Parallel()
	outside := write(t, map[string]string{"linux/amd64/kubeadm.sha256": two, "sums": one + "  linux/amd64/kubeadm\n"})
	dir := write(t, map[string]string{"linux/arm64/kubeadm.sha256": three})
	if err := errors.Join(os.Symlink(outside, filepath.Join(dir, "out")), os.Symlink(filepath.Join(outside, "linux", "amd64"), filepath.Join(dir, "linux", "amd64"))); err != nil {
		t.Fatal(err)
	}
	c, err := published.Read(t.Context(), dir, options(t))
	check(t, c, err, "kubeadm linux/arm64 ab .")
	if err := os.Symlink(filepath.Join(outside, "sums"), filepath.Join(dir, "SHA256SUMS")); err != nil {
		t.Fatal(err)
	}
	if _, err := published.Read(t.Context(), dir, options(t)); err == nil {
		t.Error("a SHA256SUMS outside of the directory was read")
	}
}

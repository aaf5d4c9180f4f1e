package apt_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/apt"
	"kubedist/pkg/openpgp"
)

// need skips a test off Debian.
func need(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
}

// serve serves the archive on loopback.
func (a *archive) serve() string {
	a.t.Helper()
	root, err := os.OpenRoot(a.root)
	if err != nil {
		a.t.Fatal(err)
	}
	server := httptest.NewServer(apt.Handler(root))
	a.t.Cleanup(func() { server.Close(); root.Close() })
	return server.URL
}

// publishNow publishes with the real time, which apt compares with its own.
func (a *archive) publishNow(debs ...string) {
	a.t.Helper()
	a.now = time.Now()
	a.publish([]string{"v1.36"}, debs...)
}

// client is an apt of its own: none of the machine's sources, lists or keys.
type client struct {
	t    testing.TB
	dir  string
	opts []string
}

func newClient(t *testing.T, arch, sources string) *client {
	t.Helper()
	c := &client{t: t, dir: t.TempDir()}
	for _, dir := range []string{"etc/apt.conf.d", "etc/preferences.d", "etc/trusted.gpg.d", "etc/sources.list.d", "state/lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(c.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"etc/sources.list.d/kubernetes.sources": sources, "status": "", "apt.conf": ""} {
		if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, o := range []string{
		"Dir=" + c.dir, "Dir::Etc=" + c.dir + "/etc", "Dir::State=" + c.dir + "/state", "Dir::State::status=" + c.dir + "/status",
		"Dir::Cache=" + c.dir + "/cache", "Dir::Log=" + c.dir + "/log", "APT::Architecture=" + arch, "APT::Architectures::=" + arch,
		"Acquire::http::Proxy=DIRECT", "Acquire::Languages=none", "APT::Sandbox::User=", "Acquire::Retries=0", "Debug::NoLocking=1",
	} {
		c.opts = append(c.opts, "-o", o)
	}
	return c
}

// run runs an apt tool with LC_ALL=C and returns what it said.
func (c *client) run(tool string, args ...string) (string, error) {
	cmd := exec.CommandContext(c.t.Context(), tool, append(c.opts, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "APT_CONFIG="+c.dir+"/apt.conf", "http_proxy=", "no_proxy=127.0.0.1")
	cmd.Dir = c.dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (c *client) must(tool string, args ...string) string {
	c.t.Helper()
	out, err := c.run(tool, args...)
	if err != nil || strings.Contains(out, "W:") || strings.Contains(out, "E:") {
		c.t.Fatalf("%s %v: %v\n%s", tool, args, err, out)
	}
	return out
}

// installSources takes the published kubernetes.sources as a user would, with the keyring where this client has it.
func (a *archive) installSources(url, keyring string) string {
	a.t.Helper()
	text := a.read("dists/v1.36/kubernetes.sources")
	return strings.NewReplacer(a.def.URL, url, a.def.SignedBy, filepath.Join(a.root, keyring)).Replace(text)
}

func TestAptUpdateAndDownload(t *testing.T) {
	t.Parallel()
	need(t, "apt-get", "apt-cache", "gpgv")
	for _, keyring := range []string{"kubernetes-archive-keyring.gpg", "kubernetes-archive-keyring.asc"} {
		t.Run(keyring, func(t *testing.T) {
			t.Parallel()
			a := newArchive(t)
			a.publishNow(newDeb(t, "kubeadm", "1.36.3-1.1", "arm64"), newDeb(t, "kubectl", "1.36.3+x~y-1.1", "arm64"), newDeb(t, "docs", "1:2-1", "all"), newDeb(t, "kubelet", "1.36.3-1.1", "amd64"))
			c := newClient(t, "arm64", a.installSources(a.serve(), keyring))
			out := c.must("apt-get", "update")
			if !strings.Contains(out, "Get:") {
				t.Errorf("nothing was fetched: %s", out)
			}
			policy := c.must("apt-cache", "policy", "kubeadm", "docs", "kubelet")
			if !strings.Contains(policy, "1.36.3-1.1") || !strings.Contains(policy, "Candidate: 1:2-1") || strings.Contains(policy, "kubelet:\n") {
				t.Errorf("apt sees:\n%s", policy)
			}
			c.must("apt-get", "download", "kubeadm", "kubectl", "docs")
			debs, err := filepath.Glob(filepath.Join(c.dir, "*.deb"))
			if err != nil || len(debs) != 3 {
				t.Errorf("downloaded %q", debs)
			}
			a.publishNow(newDeb(t, "kubeadm", "1.36.4-1.1", "arm64"))
			c.must("apt-get", "update")
			if policy := c.must("apt-cache", "policy", "kubeadm"); !strings.Contains(policy, "Candidate: 1.36.4-1.1") {
				t.Errorf("after the second publishing apt sees:\n%s", policy)
			}
			if out := c.must("apt-get", "update"); !strings.Contains(out, "Hit:") {
				t.Errorf("a third update fetched again: %s", out)
			}
		})
	}
}

// TestAptInTheMiddle updates from an InRelease that is one publishing old, with the canonical indices of the new one: by
// hash it still finds what it needs. That is also what a client sees of a run that was killed before InRelease.
func TestAptInTheMiddle(t *testing.T) {
	t.Parallel()
	need(t, "apt-get", "gpgv")
	a := newArchive(t)
	a.publishNow(newDeb(t, "kubeadm", "1.36.3-1.1", "amd64"))
	old := a.read("dists/v1.36/InRelease")
	a.publishNow(newDeb(t, "kubeadm", "1.36.4-1.1", "amd64"))
	if err := os.WriteFile(filepath.Join(a.root, "dists/v1.36/InRelease"), []byte(old), 0o644); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, "amd64", a.installSources(a.serve(), "kubernetes-archive-keyring.gpg"))
	c.must("apt-get", "update")
	if policy := c.must("apt-cache", "policy", "kubeadm"); !strings.Contains(policy, "Candidate: 1.36.3-1.1") {
		t.Errorf("apt sees:\n%s", policy)
	}
}

func TestAptRefusesAnotherKey(t *testing.T) {
	t.Parallel()
	need(t, "apt-get", "gpgv")
	a := newArchive(t)
	a.publishNow(newDeb(t, "kubeadm", "1.36.3-1.1", "amd64"))
	if err := os.WriteFile(filepath.Join(a.root, "other.gpg"), newKey(t, 9).Public().Binary(), 0o644); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, "amd64", a.installSources(a.serve(), "other.gpg"))
	if out, err := c.run("apt-get", "update"); err == nil {
		t.Errorf("apt took it:\n%s", out)
	}
}

// TestAptAcrossRotation follows an archive from one key to the next, with keyrings of every stage.
func TestAptAcrossRotation(t *testing.T) {
	t.Parallel()
	need(t, "apt-get", "gpgv")
	a := newArchive(t)
	a.publishNow(newDeb(t, "kubeadm", "1.36.3-1.1", "amd64"))
	next := newKey(t, 2)
	for i, key := range []*openpgp.Key{a.key, next} {
		if err := os.WriteFile(filepath.Join(a.root, fmt.Sprintf("key%d.gpg", i)), key.Public().Binary(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	url := a.serve()
	before := newClient(t, "amd64", a.installSources(url, "key0.gpg"))
	before.must("apt-get", "update")
	tx := a.begin()
	defer tx.Close()
	a.now = time.Now()
	o := a.options()
	o.Signers = append(o.Signers, next)
	if _, err := tx.Publish(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	before.must("apt-get", "update")
	newClient(t, "amd64", a.installSources(url, "key1.gpg")).must("apt-get", "update")
	for _, file := range []string{"kubernetes-archive-keyring.gpg", "kubernetes-archive-keyring.asc"} {
		newClient(t, "amd64", a.installSources(url, file)).must("apt-get", "update")
	}
}

func TestGpgvTakesBothSignatures(t *testing.T) {
	t.Parallel()
	need(t, "gpgv")
	a := newArchive(t)
	a.publishNow(newDeb(t, "kubeadm", "1.36.3-1.1", "amd64"))
	dir := filepath.Join(a.root, "dists/v1.36")
	for _, args := range [][]string{{dir + "/InRelease"}, {dir + "/Release.gpg", dir + "/Release"}} {
		args = append([]string{"--keyring", filepath.Join(a.root, "kubernetes-archive-keyring.gpg")}, args...)
		if out, err := exec.Command("gpgv", args...).CombinedOutput(); err != nil {
			t.Errorf("gpgv %v: %v\n%s", args, err, out)
		}
	}
}

// TestAgainstAptFtparchive compares the identity, place and digests of packages with what apt-ftparchive lists.
func TestAgainstAptFtparchive(t *testing.T) {
	t.Parallel()
	need(t, "apt-ftparchive")
	a := newArchive(t)
	a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.3-1.1", "amd64", "Section: admin", "Depends: iptables (>= 1), mount | nothing"), newDeb(t, "kubectl", "1.36.3+x~y-1.1", "amd64"))
	cmd := exec.Command("apt-ftparchive", "--md5=no", "--sha1=no", "--sha512=no", "packages", "pool")
	cmd.Dir = a.root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	theirs, ours := paragraphs(string(out)), paragraphs(a.read("dists/v1.36/main/binary-amd64/Packages"))
	if len(ours) != 2 || len(theirs) != 2 {
		t.Fatalf("%d paragraphs, apt-ftparchive has %d", len(ours), len(theirs))
	}
	for name, fields := range ours {
		for field := range fields {
			if !theirs[name][field] {
				t.Errorf("%s: apt-ftparchive does not have %q; it has %v", name, field, theirs[name])
			}
		}
	}
}

// paragraphs gives the fields of each paragraph as a set, by package.
func paragraphs(text string) map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for p := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		fields := map[string]bool{}
		for f := range strings.SplitSeq(strings.ReplaceAll(p, "\n ", "\\n"), "\n") {
			fields[strings.TrimRight(f, " ")] = true
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(p, "Package: "), "\n")
		all[name] = fields
	}
	return all
}

func TestDebmirror(t *testing.T) {
	t.Parallel()
	need(t, "debmirror", "gpgv")
	a := newArchive(t)
	a.publishNow(newDeb(t, "kubeadm", "1.36.3-1.1", "amd64"), newDeb(t, "kubectl", "1.36.3+x~y-1.1", "amd64"), newDeb(t, "docs", "1-1", "all"))
	host := strings.TrimPrefix(a.serve(), "http://")
	mirror, home := t.TempDir(), t.TempDir()
	cmd := exec.CommandContext(t.Context(), "debmirror", "--method=http", "--host="+host, "--root=/", "--dist=v1.36", "--section=main", "--arch=amd64",
		"--nosource", "--keyring="+filepath.Join(a.root, "kubernetes-archive-keyring.gpg"), "--rsync-extra=none", "--diff=none", "--nocleanup", mirror)
	cmd.Env = append(os.Environ(), "HOME="+home, "LC_ALL=C", "http_proxy=", "no_proxy=127.0.0.1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("debmirror: %v\n%s", err, out)
	}
	for _, name := range []string{"pool/main/k/kubeadm/kubeadm_1.36.3-1.1_amd64.deb", "pool/main/k/kubectl/kubectl_1.36.3+x~y-1.1_amd64.deb", "pool/main/d/docs/docs_1-1_all.deb", "dists/v1.36/main/binary-amd64/Packages.gz"} {
		got, err := os.ReadFile(filepath.Join(mirror, name))
		if err != nil || string(got) != a.read(name) {
			t.Errorf("the mirror's %s is not ours: %v\n%s", name, err, out)
		}
	}
}

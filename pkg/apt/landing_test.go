package apt_test

import (
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/apt"
)

// code finds the commands on the page.
var code = regexp.MustCompile(`(?s)<code>(.*?)</code>`)

// TestLandingCommands does what the landing page says, line by line, with a shell, curl, gpg and apt.
func TestLandingCommands(t *testing.T) {
	t.Parallel()
	need(t, "apt-get", "curl", "gpg", "gpgv")
	a := newArchive(t)
	keyring := filepath.Join(t.TempDir(), "keyrings/kubernetes-archive-keyring.gpg")
	if err := os.MkdirAll(a.root, 0o755); err != nil {
		t.Fatal(err)
	}
	url := a.serve()
	a.def = definition(t, append([]string{"/etc/apt/keyrings/kubernetes-archive-keyring.gpg", keyring, "https://apt.example.org/kubernetes", url}, twoArchs...)...)
	a.now = time.Now().Add(-time.Hour)
	a.publish(all, newDeb(t, "kubeadm", "1.36.3-1.1", "amd64"), newDeb(t, "kubelet", "1.36.3-1.1", "amd64"), newDeb(t, "cri-tools", "1.36.0-1.1", "amd64"))

	_, page, _ := strings.Cut(a.read("index.html"), `<div class="panel debian">`)
	page, _, _ = strings.Cut(page, `<div class="panel ubuntu">`)
	c := newClient(t, "amd64", "")
	script := ""
	for _, m := range code.FindAllStringSubmatch(page, -1) {
		script += html.UnescapeString(m[1]) + "\n"
	}
	if n := strings.Count(script, "apt-get"); n != 4 {
		t.Fatalf("%d lines of the page's commands are about apt-get:\n%s", n, script)
	}
	// The client has its own directories and is no root. curl, gpg and certificates are there.
	script = strings.NewReplacer("/etc/apt/sources.list.d", c.dir+"/etc/sources.list.d", "apt-get install --yes ca-certificates curl gpg", ":",
		"apt-get install --yes", "apt-get $options install --simulate", "apt-get update", "apt-get $options update").Replace(script)
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", "options='"+strings.Join(c.opts, " ")+"'\n"+script)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "APT_CONFIG="+c.dir+"/apt.conf", "GNUPGHOME="+t.TempDir(), "http_proxy=", "no_proxy=127.0.0.1")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(out), "W:") {
		t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	for _, want := range []string{"Inst kubeadm (1.36.3-1.1", "Inst kubelet (1.36.3-1.1", fingerprintAsGpg(a.key.Fingerprint())} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the commands print no %q:\n%s", want, out)
		}
	}
	if !strings.Contains(a.read("index.html"), fingerprintAsGpg(a.key.Fingerprint())) {
		t.Error("the page shows the fingerprint in another form than gpg does")
	}
}

func fingerprintAsGpg(f string) string {
	var groups []string
	for i := 0; i < len(f); i += 4 {
		groups = append(groups, f[i:i+4])
	}
	return strings.Join(groups[:5], " ") + "  " + strings.Join(groups[5:], " ")
}

// TestLandingOfManyPackages does not list what would be no page.
func TestLandingOfManyPackages(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	var many []string
	for i := range 201 {
		many = append(many, newDeb(t, fmt.Sprintf("package%03d", i), "1-1", "amd64"))
	}
	a.publish([]string{"stable"}, many...)
	a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.3-1.1", "amd64"))
	landing := a.read("index.html")
	if strings.Contains(landing, "package001") || !strings.Contains(landing, "packages are not listed here") || !strings.Contains(landing, "kubeadm_1.36.3-1.1_amd64.deb") {
		t.Errorf("the page is\n%s", landing)
	}
}

// TestLandingOfDamage publishes one suite while another cannot be read: the page says less, and the archive is published.
func TestLandingOfDamage(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.2-1.1", "amd64"), newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	for _, pattern := range []string{"Packages*", "by-hash/SHA256/*"} {
		names, err := filepath.Glob(filepath.Join(a.root, "dists/stable/main/binary-amd64", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if err := os.WriteFile(name, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	result := a.change(func(tx *apt.Transaction) error {
		_, err := tx.Remove(t.Context(), apt.RemoveOptions{Suite: "v1.36", Selector: selector(t, "kubeadm (<< 1.36.2)")})
		return err
	})
	if len(result.Warnings) != 1 || !strings.HasPrefix(result.Warnings[0], "index.html: lists no packages of suite stable: ") {
		t.Errorf("warnings: %q", result.Warnings)
	}
	if strings.Contains(a.read("dists/v1.36/main/binary-amd64/Packages"), "1.36.1-1.1") || !strings.Contains(a.read("index.html"), `id="suite-v1.36"`) {
		t.Error("the other suite is not published")
	}
}

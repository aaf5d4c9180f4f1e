package bucket

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestApt lets the machine's apt read from the buckets, a key that it has to trust included.
func TestApt(t *testing.T) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		t.Skip("apt-get is not installed")
	}
	eachServer(t, func(t *testing.T, s *server) {
		a := newTree(t, s)
		a.add("kubernetes-cni", "1.8.0-1.1", 1000)
		a.push()
		dir := t.TempDir()
		for _, d := range []string{"etc/apt.conf.d", "etc/preferences.d", "etc/trusted.gpg.d", "etc/sources.list.d", "state/lists/partial", "cache/archives/partial"} {
			if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		key, _, err := client{s.base}.get(t.Context(), "kubernetes-archive-keyring.gpg")
		if err != nil {
			t.Fatal(err)
		}
		keyring := filepath.Join(dir, "keyring.gpg")
		sources := fmt.Sprintf("Types: deb\nURIs: %s\nSuites: stable\nComponents: main\nSigned-By: %s\n", s.base, keyring)
		for name, text := range map[string]string{"keyring.gpg": string(key), "etc/sources.list.d/kubernetes.sources": sources, "status": "", "apt.conf": ""} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		apt := func(tool string, args ...string) string {
			t.Helper()
			options := []string{
				"-o", "Dir=" + dir, "-o", "Dir::Etc=" + dir + "/etc", "-o", "Dir::State=" + dir + "/state", "-o", "Dir::State::status=" + dir + "/status",
				"-o", "Dir::Cache=" + dir + "/cache", "-o", "APT::Architecture=amd64", "-o", "APT::Architectures::=amd64", "-o", "Acquire::http::Proxy=DIRECT",
				"-o", "Acquire::Languages=none", "-o", "APT::Sandbox::User=", "-o", "Acquire::Retries=0",
			}
			cmd := exec.CommandContext(t.Context(), tool, append(options, args...)...)
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "LC_ALL=C", "APT_CONFIG="+dir+"/apt.conf", "http_proxy=")
			out, err := cmd.CombinedOutput()
			if err != nil || strings.Contains(string(out), "W:") || strings.Contains(string(out), "E:") {
				t.Fatalf("%s %v: %v\n%s", tool, args, err, out)
			}
			return string(out)
		}
		apt("apt-get", "update")
		apt("apt-get", "download", "kubernetes-cni")
		a.add("kubernetes-cni", "1.8.1+b~1-1.1", 1000)
		a.push()
		apt("apt-get", "update")
		if policy := apt("apt-cache", "policy", "kubernetes-cni"); !strings.Contains(policy, "Candidate: 1.8.1+b~1-1.1") {
			t.Errorf("apt sees:\n%s", policy)
		}
		apt("apt-get", "download", "kubernetes-cni")
	})
}

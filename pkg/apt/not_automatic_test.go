package apt_test

import (
	"regexp"
	"strings"
	"testing"
)

// TestNotAutomatic asks apt which priority it gives to the packages of a suite.
func TestNotAutomatic(t *testing.T) {
	t.Parallel()
	need(t, "apt-get", "apt-cache", "gpgv")
	for change, want := range map[string]string{
		`"~1.36"`:                      "500",
		`"~1.36", not-automatic: true`: "1",
		`"~1.36", not-automatic: true, but-automatic-upgrades: true`: "100",
	} {
		t.Run("priority "+want, func(t *testing.T) {
			t.Parallel()
			a := newArchive(t)
			a.def = definition(t, append([]string{`"~1.36"`, change}, twoArchs...)...)
			a.publishNow(newDeb(t, "kubeadm", "1.36.3-1.1", "amd64"))
			c := newClient(t, "amd64", a.installSources(a.serve(), "kubernetes-archive-keyring.gpg"))
			c.must("apt-get", "update")
			policy := c.must("apt-cache", "policy", "kubeadm")
			if priority := regexp.MustCompile(`(?m)^ *1\.36\.3-1\.1 (\d+)$`).FindStringSubmatch(policy); len(priority) != 2 || priority[1] != want {
				t.Errorf("want priority %s; apt says\n%s", want, policy)
			}
			if got := strings.Count(a.read("dists/v1.36/Release"), "Automatic"); got != strings.Count(change, "automatic") {
				t.Errorf("the Release has %d such fields", got)
			}
		})
	}
}

package published_test

import (
	"errors"
	"testing"

	"kubedist/pkg/platform"
	"kubedist/pkg/published"
)

var fuzzed = published.Options{
	Programs:  []string{"kubeadm"},
	Platforms: []platform.ID{{OS: "linux", Arch: "amd64"}, {OS: "linux", Arch: "arm", Variant: "v7"}},
}

// sound fails when something was read that is no checksum, or an error does not say that the form is wrong.
func sound(t *testing.T, c *published.Checksums, err error) {
	t.Helper()
	if err != nil {
		if !errors.Is(err, published.ErrFormat) {
			t.Errorf("error without ErrFormat: %v", err)
		}
		return
	}
	for i, e := range c.Entries {
		if e.Program == "" || e.Platform.OS != "linux" || len(e.SHA256) != 64 || e.Place == "" {
			t.Errorf("entry %d: %+v", i, e)
		}
	}
}

func FuzzParseSums(f *testing.F) {
	f.Add([]byte(two + "  bin/linux/amd64/kubeadm\n"))
	f.Add([]byte(two + "  v1.34.0/linux/arm/d/kubeadm\n" + one + "  x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := published.ParseSums("f", data, fuzzed)
		sound(t, c, err)
	})
}

func FuzzParseSum(f *testing.F) {
	f.Add([]byte(two))
	f.Add([]byte(two + "  kubeadm\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if sum, err := published.ParseSum("kubeadm.sha256", data); err == nil && len(sum) != 64 || err != nil && !errors.Is(err, published.ErrFormat) {
			t.Errorf("got %q, %v", sum, err)
		}
	})
}

func FuzzParseKubespray(f *testing.F) {
	f.Add([]byte("kubeadm_checksums:\n  amd64:\n    1.34.0: sha256:" + two + "\n"))
	f.Add([]byte("kubeadm_checksums: {arm: {v1.34.0: 0, ? [x] : y}}"))
	f.Add([]byte("a: &a [1]\nkubeadm_checksums: *a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := published.ParseKubespray("f", data, fuzzed)
		sound(t, c, err)
	})
}

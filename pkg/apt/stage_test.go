package apt_test

import (
	"testing"

	"kubedist/pkg/apt"
)

// TestServedFiles pins for each kind of file when it is written, what it is and how long caches may keep it.
func TestServedFiles(t *testing.T) {
	t.Parallel()
	const forever, asked, minute = "public, max-age=31536000, immutable", "public, no-cache", "public, max-age=60"
	for _, c := range []struct {
		name        string
		stage       apt.Stage
		contentType string
		cache       string
	}{
		{"pool/main/k/kubeadm/kubeadm_1.36.3-1.1_amd64.deb", apt.StagePool, "application/vnd.debian.binary-package", forever},
		{"pool/main/k/kubeadm/kubeadm_1.36.3.orig.tar.xz", apt.StagePool, "application/x-xz", forever},
		{"core:/stable:/v1.36/deb/amd64/kubeadm_1.36.3-1.1_amd64.deb", apt.StagePool, "application/vnd.debian.binary-package", forever},
		{"kubernetes-archive-keyring.gpg", apt.StageKeys, "application/pgp-keys", minute},
		{"kubernetes-archive-keyring.asc", apt.StageKeys, "application/pgp-keys", minute},
		{"kubernetes-archive-keyring.deb", apt.StageKeys, "application/vnd.debian.binary-package", minute},
		{"pool/main/k/index.html", apt.StagePages, "text/html; charset=utf-8", minute},
		{"dists/stable/kubernetes.sources", apt.StageKeys, "text/plain; charset=utf-8", minute},
		{"dists/stable/main/binary-amd64/by-hash/SHA256/0123", apt.StageByHash, "application/octet-stream", forever},
		{"dists/stable/main/binary-amd64/Packages", apt.StageIndices, "text/plain; charset=utf-8", asked},
		{"dists/stable/main/binary-amd64/Packages.gz", apt.StageIndices, "application/gzip", asked},
		{"dists/stable/main/binary-amd64/Release", apt.StageIndices, "text/plain; charset=utf-8", asked},
		{"dists/stable/main/source/Release", apt.StageIndices, "text/plain; charset=utf-8", asked},
		{"core:/stable:/v1.36/deb/Packages.zst", apt.StageIndices, "application/zstd", asked},
		{"dists/stable/Release", apt.StageRelease, "text/plain; charset=utf-8", asked},
		{"dists/stable/Release.gpg", apt.StageRelease, "application/pgp-signature", asked},
		{"core:/stable:/v1.36/deb/Release", apt.StageRelease, "text/plain; charset=utf-8", asked},
		{"dists/stable/InRelease", apt.StageInRelease, "text/plain; charset=utf-8", minute},
		{"snapshots/before/dists/stable/InRelease", apt.StageInRelease, "text/plain; charset=utf-8", minute},
		{"index.html", apt.StagePages, "text/html; charset=utf-8", minute},
		{"dists/stable/index.html", apt.StagePages, "text/html; charset=utf-8", minute},
		{"ls-lR.gz", apt.StagePages, "application/gzip", minute},
		{"project/trace/apt.example.org", apt.StagePages, "text/plain; charset=utf-8", minute},
	} {
		if got := apt.StageOf(c.name); got != c.stage {
			t.Errorf("%s: stage %s, want %s", c.name, got, c.stage)
		}
		if got := apt.ContentType(c.name); got != c.contentType {
			t.Errorf("%s: Content-Type %q, want %q", c.name, got, c.contentType)
		}
		if got := apt.CacheControl(c.name); got != c.cache {
			t.Errorf("%s: Cache-Control %q, want %q", c.name, got, c.cache)
		}
	}
	for i, s := range apt.Stages() {
		if int(s) != i || s.String() == "unknown" {
			t.Errorf("stage %d is %s", i, s)
		}
	}
}

package apt_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kubedist/pkg/apt"
)

// publishedFiles lists the archive as a transaction of its own.
func (a *archive) publishedFiles() ([]apt.PublishedFile, error) {
	a.t.Helper()
	tx := a.begin()
	defer tx.Close()
	return tx.PublishedFiles(a.t.Context())
}

func TestPublishedFiles(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"), newDeb(t, "docs", "1-1", "all"))
	flat := filepath.Join(a.root, "flat", "docs_1-1_all.deb")
	if err := os.MkdirAll(filepath.Dir(flat), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(a.root, "pool/main/d/docs/docs_1-1_all.deb"), flat); err != nil {
		t.Fatal(err)
	}
	files, err := a.publishedFiles()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for i, f := range files {
		got[f.Path] = f.SHA256
		if i > 0 && files[i-1].Path >= f.Path {
			t.Errorf("%s comes after %s", f.Path, files[i-1].Path)
		}
	}
	want := map[string]string{}
	err = filepath.WalkDir(a.root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		sum := sha256.Sum256(data)
		rel, _ := filepath.Rel(a.root, name)
		if !strings.HasPrefix(rel, ".") {
			want[rel] = hex.EncodeToString(sum[:])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, digest := range want {
		if got[name] != digest {
			t.Errorf("%s: digest %q, want %q", name, got[name], digest)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
}

// TestPublishedFilesDamaged must not list a tree of which a client could not get all.
func TestPublishedFilesDamaged(t *testing.T) {
	t.Parallel()
	base := newArchive(t)
	base.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	const index, deb = "dists/stable/main/binary-amd64/Packages", "pool/main/k/kubeadm/kubeadm_1.36.1-1.1_amd64.deb"
	contents, err := filepath.Glob(filepath.Join(base.root, "dists/stable/main/binary-amd64/by-hash/SHA256/*"))
	if err != nil || len(contents) == 0 {
		t.Fatal(contents, err)
	}
	hashed, err := filepath.Rel(base.root, contents[0])
	if err != nil {
		t.Fatal(err)
	}
	remove := func(name string) error { return os.Remove(name) }
	rewrite := func(name string) error { return os.WriteFile(name, []byte("something else"), 0o644) }
	for _, c := range []struct {
		file   string
		damage func(string) error
		want   string
	}{
		{deb, remove, deb + ": missing; listed in "},
		{deb, func(name string) error { return os.Truncate(name, 5) }, deb + ": has 5 bytes"},
		{index, remove, index + ": missing"},
		{index, rewrite, index + ": not the file that dists/stable/InRelease names"},
		{hashed, remove, "missing, or its contents under by-hash are"},
		{"dists/stable/Release", rewrite, "dists/stable/Release: not the text of InRelease"},
		{"dists/stable/Release.gpg", remove, "dists/stable/Release.gpg: missing beside InRelease"},
		{"dists/stable/link", func(name string) error { return os.Symlink("InRelease", name) }, "dists/stable/link: not a regular file"},
	} {
		a := *base
		a.root = copyTree(t, base.root)
		if err := c.damage(filepath.Join(a.root, c.file)); err != nil {
			t.Fatal(err)
		}
		if _, err := a.publishedFiles(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("damaged %s: got %v, want %s", c.file, err, c.want)
		}
	}
}

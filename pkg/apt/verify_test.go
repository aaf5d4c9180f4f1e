package apt_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/apt"
	"kubedist/pkg/openpgp"
)

// damage is one thing that is wrong with a published tree, and what must be found of it.
type damage struct {
	name    string
	file    string              // relative to the root
	change  func([]byte) []byte // of the file's contents; nil removes the file
	problem string              // how what is found of the file begins
}

// mustFind does the damage to a copy of the archive.
func (d damage) mustFind(t *testing.T, base *archive) {
	t.Helper()
	a := *base
	a.t, a.root = t, copyTree(t, base.root)
	file := filepath.Join(a.root, d.file)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil { // not its other names, which are the same file
		t.Fatal(err)
	}
	if d.change != nil {
		if err := os.WriteFile(file, d.change(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	a.mustFind(d.file, d.problem)
}

// mustFind fails unless a check finds the problem of the file.
func (a *archive) mustFind(file, problem string) {
	a.t.Helper()
	found := a.verify().Findings
	if !slices.ContainsFunc(found, func(f apt.Finding) bool { return f.Path == file && strings.HasPrefix(f.Problem, problem) }) {
		a.t.Errorf("found %+v, want %s: %s", found, file, problem)
	}
}

func flip(data []byte) []byte {
	data[len(data)/2] ^= 1
	return data
}

// damaged is an archive to damage, which was published twice, and the Release.gpg of the first time.
func damaged(t *testing.T) (a *archive, staleGPG string) {
	a = newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	staleGPG = a.read("dists/v1.36/Release.gpg")
	a.now = epoch.Add(time.Hour)
	a.publish(all, newDeb(t, "kubeadm", "1.36.2-1.1", "amd64"))
	return a, staleGPG
}

const (
	damagedDeb   = "pool/main/k/kubeadm/kubeadm_1.36.1-1.1_amd64.deb"
	damagedSuite = "dists/v1.36/"
	damagedIndex = damagedSuite + "main/binary-amd64/Packages"
)

// TestVerifyFinds damages an archive in each of the ways in which archives break. Each must be found where it is.
func TestVerifyFinds(t *testing.T) {
	t.Parallel()
	base, staleGPG := damaged(t)
	listed, _ := base.release("v1.36").File("main/binary-amd64/Packages.gz")
	hashed := damagedSuite + "main/binary-amd64/by-hash/SHA256/" + listed.SHA256
	for _, c := range []struct {
		damage
		archive func(*testing.T) *archive // one that is wrong without damage to a file
	}{
		{damage{"a flipped byte in a .deb", damagedDeb, flip, "its SHA-256 is "}, nil},
		{damage{"a flipped byte in an index", damagedIndex + ".gz", flip, "is not the file that InRelease names, with SHA-256 " + listed.SHA256}, nil},
		{damage{"a missing by-hash file", hashed, nil, "missing"}, nil},
		{damage{"a stale Release.gpg", damagedSuite + "Release.gpg", func([]byte) []byte { return []byte(staleGPG) }, "detached signature: signature 1: bad signature by "}, nil},
		{damage{"a truncated InRelease", damagedSuite + "InRelease", func(b []byte) []byte { return b[:len(b)-50] }, "clearsigned file: malformed: "}, nil},
		{damage{"a path that leaves the pool", damagedIndex, nil, `paragraph at line 1: package kubeadm: path "pool/../../k/kubeadm/kubeadm_1.36.1-1.1_amd64.deb" leaves the pool`}, func(t *testing.T) *archive {
			return signedIndex(t, func(s string) string { return strings.Replace(s, "pool/main/k", "pool/../../k", 1) })
		}},
		{damage{"an expired signature: Valid-Until is past", damagedSuite + "InRelease", nil, "expired on Sun, 10 Jan 2027 10:30:00 UTC"}, func(t *testing.T) *archive {
			a := *base
			a.t, a.now = t, epoch.AddDate(0, 0, 180)
			return &a
		}},
		{damage{"an expired signature: its key has expired", damagedSuite + "InRelease", nil, "clearsigned file: signature 1: key 9C0AB42B779B6C75D2BA98EA61BA4EA71BFAFB48 (Short): expired on 2026-10-22 09:30 UTC"}, expiredKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.archive == nil {
				c.mustFind(t, base)
			} else {
				c.archive(t).mustFind(c.file, c.problem)
			}
		})
	}
}

// expiredKey is an archive whose key has expired since, and whose Valid-Until has not.
func expiredKey(t *testing.T) *archive {
	a := newArchive(t)
	var err error
	a.key, err = openpgp.Generate(t.Context(), openpgp.GenerateOptions{Name: "Short", Created: epoch, Lifetime: 100 * 24 * time.Hour, Rand: seed(7)})
	if err != nil {
		t.Fatal(err)
	}
	a.override = []apt.Refusal{apt.RefuseKeyExpiry}
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	a.now = epoch.AddDate(0, 0, 99)
	a.mustVerify()
	a.now = epoch.AddDate(0, 0, 100)
	return a
}

// TestVerifyFindsFurtherDamage is about what breaks less often.
func TestVerifyFindsFurtherDamage(t *testing.T) {
	t.Parallel()
	base, _ := damaged(t)
	listed, _ := base.release("v1.36").File("main/binary-amd64/Packages.gz")
	hashed := damagedSuite + "main/binary-amd64/by-hash/SHA256/" + listed.SHA256
	for _, c := range []damage{
		{"a truncated package", damagedDeb, func(b []byte) []byte { return b[:100] }, "its size is not what "},
		{"a missing package", damagedDeb, nil, "missing; listed in "},
		{"a missing index", damagedIndex + ".gz", nil, "missing"},
		{"another file under by-hash", hashed, func([]byte) []byte { return []byte("x") }, "its contents are not those of its name"},
		{"no Release.gpg", damagedSuite + "Release.gpg", nil, "missing"},
		{"another Release", damagedSuite + "Release", flip, "is not the text of InRelease"},
		{"a byte after InRelease", damagedSuite + "InRelease", func(b []byte) []byte { return append(b, 'x') }, "clearsigned file: "},
		{"a flipped byte in InRelease", damagedSuite + "InRelease", func(b []byte) []byte { return bytes.Replace(b, []byte("Label: K"), []byte("Label: k"), 1) }, "clearsigned file: signature 1: bad signature"},
		{"no InRelease", damagedSuite + "InRelease", nil, "missing"},
		{"a damaged keyring", apt.KeyringFile, func(b []byte) []byte { return b[:20] }, "keyring: not an OpenPGP key: "},
		{"an armored .gpg", apt.KeyringFile, func([]byte) []byte { return []byte(base.read("kubernetes-archive-keyring.asc")) }, "its form does not match"},
		{"another key in the keyring", apt.KeyringFile, func([]byte) []byte { return newKey(t, 5).Public().Binary() }, "holds none of the keys"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.mustFind(t, base)
		})
	}
}

func TestVerifyLooksAtTheTime(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	for days, want := range map[int]string{-2: "in the future", 179: "", 180: "expired on Sun, 10 Jan 2027", 5 * 365: "expired"} {
		b := *a
		b.now = epoch.AddDate(0, 0, days)
		got := ""
		for _, f := range b.verify().Findings {
			got += f.Problem + "\n"
		}
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("after %d days: found %q, want %q", days, got, want)
		}
	}
}

// signedIndex publishes, and then signs what change makes of an index, as an attacker who has the key or a bug would.
func signedIndex(t *testing.T, change func(string) string) *archive {
	t.Helper()
	a := newArchive(t)
	a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	tx := a.begin()
	defer tx.Close()
	if err := tx.Rewrite(t.Context(), "v1.36", "amd64", change); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Publish(t.Context(), a.options()); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestVerifyFindsInSignedIndices(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(string) string
		link   string
		want   string
	}{
		"a path beside the pool":    {func(s string) string { return strings.Replace(s, "pool/main/k", "./pool/main/k", 1) }, "", `leaves the pool`},
		"a link out of the archive": {func(s string) string { return s + "X-Changed: yes\n" }, outside, "path escapes from parent"},
		"a cyclic link":             {func(s string) string { return s + "X-Changed: yes\n" }, "kubeadm_1.36.1-1.1_amd64.deb", "kubeadm_1.36.1-1.1_amd64.deb: too many"},
		"no digest":                 {func(s string) string { return strings.Replace(s, "\nSHA256:", "\nSHA255:", 1) }, "", "field SHA256 is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := signedIndex(t, c.change)
			if c.link != "" {
				file := filepath.Join(a.root, "pool/main/k/kubeadm/kubeadm_1.36.1-1.1_amd64.deb")
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(c.link, file); err != nil {
					t.Fatal(err)
				}
			}
			got := ""
			for _, f := range a.verify().Findings {
				got += f.Path + ": " + f.Problem + "\n"
			}
			if !strings.Contains(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

func TestVerifyCannotLook(t *testing.T) {
	t.Parallel()
	keyring := []*openpgp.Certificate{newKey(t, 1).Public()}
	for name, o := range map[string]apt.VerifyOptions{
		"no archive": {Root: t.TempDir(), Keyring: keyring},
		"no root":    {Root: "/nonexistent", Keyring: keyring},
		"no keyring": {Root: t.TempDir()},
	} {
		if report, err := apt.Verify(t.Context(), o); err == nil {
			t.Errorf("%s: got %+v", name, report)
		}
	}
}

func TestHandler(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.3+x~y-1.1", "amd64"))
	if err := os.Symlink("/etc/hostname", filepath.Join(a.root, "escape")); err != nil {
		t.Fatal(err)
	}
	url := a.serve()
	for path, want := range map[string]struct {
		status int
		kind   string
	}{
		"/dists/v1.36/InRelease":                                  {200, "text/plain; charset=utf-8"},
		"//dists/v1.36//Release":                                  {200, "text/plain; charset=utf-8"},
		"/dists/v1.36/Release.gpg":                                {200, "application/pgp-signature"},
		"/dists/v1.36/main/binary-amd64/Packages.gz":              {200, "application/gzip"},
		"/dists/v1.36/main/binary-amd64/Packages.zst":             {200, "application/zstd"},
		"/pool/main/k/kubeadm/kubeadm_1.36.3+x~y-1.1_amd64.deb":   {200, "application/vnd.debian.binary-package"},
		"/pool/main/k/kubeadm/kubeadm_1.36.3%2bx~y-1.1_amd64.deb": {200, "application/vnd.debian.binary-package"},
		"/kubernetes-archive-keyring.gpg":                         {200, "application/pgp-keys"},
		"/":                                                       {200, "text/html; charset=utf-8"},
		"/dists":                                                  {301, ""},
		"/dists/":                                                 {200, "text/html; charset=utf-8"},
		"/project/trace/apt.example.org":                          {200, "text/plain; charset=utf-8"},
		"/dists/v1.99/InRelease":                                  {404, ""},
		"/.kubedist/lock":                                         {404, ""},
		"/dists/../.kubedist/lock":                                {404, ""},
		"/../../etc/hostname":                                     {404, ""},
		"/escape":                                                 {404, ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", "gzip, zstd")
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != want.status || want.kind != "" && resp.Header.Get("Content-Type") != want.kind || resp.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: got %d %v, %v", path, resp.StatusCode, resp.Header, err)
		}
		if resp.StatusCode == http.StatusNotFound && bytes.Contains(body, []byte("<")) {
			t.Errorf("%s: the error is a page: %s", path, body)
		}
	}
	resp, err := http.Post(url+"/dists/v1.36/InRelease", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST gives %d", resp.StatusCode)
	}
}

package apt_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/apt"
	"kubedist/pkg/openpgp"
)

func TestVerifyFinds(t *testing.T) {
	t.Parallel()
	base := newArchive(t)
	base.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	staleGPG := base.read("dists/v1.36/Release.gpg")
	base.now = epoch.Add(time.Hour)
	base.publish(all, newDeb(t, "kubeadm", "1.36.2-1.1", "amd64"))
	const (
		pool  = "pool/main/k/kubeadm/kubeadm_1.36.1-1.1_amd64.deb"
		index = "dists/v1.36/main/binary-amd64/Packages.gz"
		suite = "dists/v1.36/"
	)
	listed, _ := base.release("v1.36").File("main/binary-amd64/Packages.gz")
	hashed := suite + "main/binary-amd64/by-hash/SHA256/" + listed.SHA256
	flip := func(data []byte) []byte {
		data[len(data)/2] ^= 1
		return data
	}
	for _, c := range []struct {
		name   string
		file   string
		change func([]byte) []byte // nil removes the file
		want   string
	}{
		{"a flipped byte in a package", pool, flip, pool + ": its SHA-256 is "},
		{"a truncated package", pool, func(b []byte) []byte { return b[:100] }, pool + ": its size is not what "},
		{"a missing package", pool, nil, pool + ": missing; listed in "},
		{"a flipped byte in an index", index, flip, index + ": is not the file that InRelease names"},
		{"a missing index", index, nil, index + ": missing"},
		{"a missing file under by-hash", hashed, nil, hashed + ": missing"},
		{"another file under by-hash", hashed, func([]byte) []byte { return []byte("x") }, hashed + ": its contents are not those of its name"},
		{"a stale Release.gpg", suite + "Release.gpg", func([]byte) []byte { return []byte(staleGPG) }, suite + "Release.gpg: detached signature: "},
		{"no Release.gpg", suite + "Release.gpg", nil, suite + "Release.gpg: missing"},
		{"another Release", suite + "Release", flip, suite + "Release: is not the text of InRelease"},
		{"a truncated InRelease", suite + "InRelease", func(b []byte) []byte { return b[:len(b)-50] }, suite + "InRelease: clearsigned file: "},
		{"a byte after InRelease", suite + "InRelease", func(b []byte) []byte { return append(b, 'x') }, suite + "InRelease: clearsigned file: "},
		{"a flipped byte in InRelease", suite + "InRelease", func(b []byte) []byte { return bytes.Replace(b, []byte("Label: K"), []byte("Label: k"), 1) }, suite + "InRelease: clearsigned file: signature 1: bad signature"},
		{"no InRelease", suite + "InRelease", nil, suite + "InRelease: missing"},
		{"a damaged keyring", "kubernetes-archive-keyring.gpg", func(b []byte) []byte { return b[:20] }, "kubernetes-archive-keyring.gpg: "},
		{"an armored .gpg", "kubernetes-archive-keyring.gpg", func([]byte) []byte { return []byte(base.read("kubernetes-archive-keyring.asc")) }, "kubernetes-archive-keyring.gpg: its form does not match"},
		{"another key in the keyring", "kubernetes-archive-keyring.gpg", func([]byte) []byte { return newKey(t, 5).Public().Binary() }, "holds none of the keys"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := *base
			a.root = copyTree(t, base.root)
			file := filepath.Join(a.root, c.file)
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			if c.change != nil {
				if err := os.WriteFile(file, c.change(data), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			var got []string
			for _, f := range a.verify().Findings {
				got = append(got, f.Path+": "+f.Problem)
			}
			if all := strings.Join(got, "\n"); !strings.Contains(all, c.want) {
				t.Errorf("found %q, want %q", all, c.want)
			}
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
		"a path that leaves the pool": {func(s string) string { return strings.Replace(s, "pool/main/k", "pool/../../k", 1) }, "", `leaves the pool`},
		"a path beside the pool":      {func(s string) string { return strings.Replace(s, "pool/main/k", "./pool/main/k", 1) }, "", `leaves the pool`},
		"a link out of the archive":   {func(s string) string { return s + "X-Changed: yes\n" }, outside, "path escapes from parent"},
		"a cyclic link":               {func(s string) string { return s + "X-Changed: yes\n" }, "kubeadm_1.36.1-1.1_amd64.deb", "kubeadm_1.36.1-1.1_amd64.deb: too many"},
		"no digest":                   {func(s string) string { return strings.Replace(s, "\nSHA256:", "\nSHA255:", 1) }, "", "field SHA256 is missing"},
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

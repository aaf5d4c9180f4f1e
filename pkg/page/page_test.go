package page_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/page"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var day = time.Date(2026, 7, 14, 9, 30, 0, 0, time.UTC)

func files(names ...string) []page.File {
	var all []page.File
	for _, name := range names {
		_, arch, _ := strings.Cut(strings.TrimSuffix(name, ".deb"), "-1.1_")
		all = append(all, page.File{Architecture: arch, Path: "pool/main/k/" + name, SHA256: strings.Repeat("0123456789abcdef", 4), Size: 17_234_567})
	}
	return all
}

// archive is one with all that a page can show.
func archive() *page.Archive {
	return &page.Archive{
		Origin: "Kubernetes", Label: "Kubernetes", Description: "Kubernetes packages for Debian & its derivatives", URL: "https://apt.example.org/kubernetes",
		Keyring: "kubernetes-archive-keyring.gpg", Keyrings: []string{"kubernetes-archive-keyring.gpg", "kubernetes-archive-keyring.asc"}, SignedBy: "/etc/apt/keyrings/kubernetes-archive-keyring.gpg", Sources: "kubernetes.sources",
		Updated: day, Browse: []string{"core:", "dists", "pool"}, LongList: "ls-lR.gz", Trace: "project/trace/apt.example.org",
		Keys: []page.Key{
			{Fingerprint: "1C9025A4215A5E83B5F7CAC4362BE50BE9DB61C3", UserID: "Example Archive <archive@example.org>", Algorithm: "ed25519", Expires: day.AddDate(4, 0, 0), Signs: true},
			{Fingerprint: "2D9025A4215A5E83B5F7CAC4362BE50BE9DB61C4", UserID: "Older", Algorithm: "rsa4096"},
		},
		Suites: []page.Suite{
			{
				Name: "v1.36", Description: "Kubernetes 1.36", Dir: "dists/v1.36", Date: day, ValidUntil: day.AddDate(0, 6, 0), Default: true, Kubernetes: "v1.36.3",
				OlderNotes: []string{"v1.36.2", "v1.36.0-rc.0"}, Architectures: []string{"amd64", "arm64"}, Aliases: []string{"kubernetes-xenial"}, Flat: "core:/stable:/v1.36/deb",
				Files: []string{"dists/v1.36/kubernetes.sources", "dists/v1.36/InRelease"},
				Packages: []page.Package{
					{Name: "cri-tools", Current: []page.Version{{Version: "1.36.0-1.1", Files: files("cri-tools_1.36.0-1.1_amd64.deb")}}},
					{
						Name: "kubeadm", Current: []page.Version{
							{Version: "1.36.3-1.1", Kubernetes: "v1.36.3", Files: files("kubeadm_1.36.3-1.1_amd64.deb")},
							{Version: "1.36.2-1.1", Kubernetes: "v1.36.2", Files: files("kubeadm_1.36.2-1.1_arm64.deb")},
						},
						Older: []page.Version{{Version: "1.36.2-1.1", Kubernetes: "v1.36.2", Files: files("kubeadm_1.36.2-1.1_amd64.deb")}},
					},
				},
			},
			{Name: "unstable", Description: "<script>alert(1)</script>", Dir: "dists/unstable", Date: day, ValidUntil: day, NotAutomatic: true, Unlisted: true, Architectures: []string{"amd64", "riscv64"}},
			{Name: "v1.37", Description: "none yet", Dir: "dists/v1.37", Date: day, ValidUntil: day},
		},
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test -update rewrites it\ngot:\n%s", file, got)
	}
}

// body leaves the style sheet out, so that golden files change with what the page says.
func body(html []byte) string {
	before, rest, _ := strings.Cut(string(html), "<style>")
	_, after, _ := strings.Cut(rest, "</style>")
	return before + after
}

func TestLanding(t *testing.T) {
	t.Parallel()
	html, err := page.Landing(archive())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "landing.html", body(html))
	if !page.Generated(html) || page.Generated([]byte("<html>my own</html>")) {
		t.Error("our pages cannot be told from others")
	}
	for _, foreign := range []string{"<script>alert", "src=", "@import", "url("} {
		if strings.Contains(string(html), foreign) {
			t.Errorf("the page has %q in it", foreign)
		}
	}
}

// TestLandingEmpty is an archive that has published a suite without a package.
func TestLandingEmpty(t *testing.T) {
	t.Parallel()
	a := archive()
	a.Suites, a.Browse, a.LongList, a.Trace = a.Suites[2:], nil, "", ""
	for range 2 {
		if _, err := page.Landing(a); err != nil {
			t.Error(err)
		}
		a.Suites = nil
	}
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	d := &page.Directory{Path: "pool/main/k", Entries: []page.Entry{
		{Name: "core:", Mode: fs.ModeDir | 0o755, Time: day},
		{Name: "index.html", Mode: 0o644, Size: 1, Time: day},
		{Name: "kubeadm_1.36.3+x~y-1.1_amd64.deb", Mode: 0o644, Size: 17_234_567, Time: day},
		{Name: "latest", Mode: fs.ModeSymlink | 0o777, Time: day, Target: "core:"},
		{Name: `50%25 "<b>` + "\n", Mode: 0o644, Size: 999, Time: day},
	}}
	html, err := d.HTML()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "directory.html", body(html))
	if !page.Generated(html) {
		t.Error("the page cannot be told from others")
	}
}

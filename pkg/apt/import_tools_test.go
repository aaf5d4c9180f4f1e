package apt_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/apt"
	"kubedist/pkg/openpgp"
	"kubedist/repo"
)

// workshop is where the archives of other tools are made.
type workshop struct {
	t    *testing.T
	dir  string
	debs []string
	dsc  string
}

// run runs a command in the workshop's directory, with a GNUPGHOME of its own.
func (w *workshop) run(command string, args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), command, args...)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "GNUPGHOME="+filepath.Join(w.dir, "gnupg"), "HOME="+w.dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("%s %q: %v\n%s", command, args, err, out)
	}
	return string(out)
}

func (w *workshop) write(name, text string) { write(w.t, w.dir, name, text) }

// newWorkshop makes a key, and packages that every tool takes.
func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	need(t, "gpg", "gpgconf", "dpkg-deb")
	// A gpg-agent listens on a path, which must be short.
	dir, err := os.MkdirTemp("", "ws")
	if err != nil {
		t.Fatal(err)
	}
	w := &workshop{t: t, dir: dir}
	t.Cleanup(func() {
		stop := exec.Command("gpgconf", "--kill", "all")
		stop.Env = append(os.Environ(), "GNUPGHOME="+filepath.Join(dir, "gnupg"))
		_ = stop.Run()
		_ = os.RemoveAll(dir)
	})
	if err := os.Mkdir(filepath.Join(dir, "gnupg"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.run("gpg", "--batch", "--passphrase", "", "--quick-generate-key", "Old archive <old@example.org>", "rsa3072", "sign", "2y")
	for _, p := range [][3]string{{"tool", "1.0+x~y-1", "amd64"}, {"tool", "1.0+x~y-1", "arm64"}, {"tool-docs", "1:2-1", "all"}, {"libtool1", "3-1", "amd64"}} {
		tree := strings.Join(p[:], "-")
		w.write(tree+"/usr/share/doc/"+p[0]+"/copyright", "none\n")
		w.write(tree+"/DEBIAN/control", fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: %s\nSection: misc\nPriority: optional\nMaintainer: A <a@example.org>\nDescription: for tests\n It does nothing.\n", p[0], p[1], p[2]))
		_, version, found := strings.Cut(p[1], ":")
		if !found {
			version = p[1]
		}
		file := filepath.Join(dir, "debs", fmt.Sprintf("%s_%s_%s.deb", p[0], version, p[2]))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		w.run("dpkg-deb", "--root-owner-group", "-Zgzip", "--build", tree, file)
		w.debs = append(w.debs, file)
	}
	w.dsc = realSource(t)
	return w
}

func (w *workshop) keyring() []*openpgp.Certificate {
	w.t.Helper()
	certs, err := openpgp.ParseKeyring([]byte(w.run("gpg", "--batch", "--export", "--armor", "old@example.org")))
	if err != nil {
		w.t.Fatal(err)
	}
	return certs
}

// TestImportFromTools takes over archives that other tools really made, and installs from them with apt.
func TestImportFromTools(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		tools []string
		make  func(*workshop) (dir string)
		from  string // the suite
		keep  bool   // it has the layout of a pool, whose paths stay
	}{
		{"aptly", []string{"aptly"}, aptlyArchive, "stable", true},
		{"reprepro", []string{"reprepro"}, repreproArchive, "stable", true},
		{"apt-ftparchive", []string{"apt-ftparchive", "bzip2"}, ftparchiveArchive, "stable", true},
		{"apt-ftparchive-flat", []string{"apt-ftparchive"}, flatArchive, ".", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			need(t, c.tools...)
			w := newWorkshop(t)
			dir := c.make(w)
			a := newArchive(t)
			text, err := apt.NewDefinition("archive.yaml", repo.Archive, apt.InitOptions{
				Origin: "Old", Label: "Old archive", Suites: []string{"stable"}, Architectures: []string{"amd64", "arm64"},
			})
			if err != nil {
				t.Fatal(err)
			}
			if a.def, err = apt.ParseDefinition("archive.yaml", text); err != nil {
				t.Fatal(err)
			}
			a.now = time.Now().UTC().Truncate(time.Second)
			o := apt.ImportOptions{Dir: dir, Suites: map[string]string{c.from: "stable"}, Keyring: w.keyring(), Now: time.Now()}
			_, added, err := a.imports(o)
			if err != nil {
				t.Fatal(err)
			}
			want := "libtool1 3-1 [amd64], tool 1.0+x~y-1 [amd64 arm64], tool-docs 1:2-1 [all]"
			if c.keep {
				want = "kubernetes 1:1.36.3 [source], " + want
			}
			if got := a.versions("stable"); got != want {
				t.Errorf("clients see %s", got)
			}
			for _, p := range added {
				if rel, _ := filepath.Rel(dir, p.Path); c.keep && rel != p.Filename && p.Architecture != "source" {
					t.Errorf("%s came to be %s", rel, p.Filename)
				}
			}
			report, err := apt.Verify(t.Context(), apt.VerifyOptions{Root: a.root, Keyring: []*openpgp.Certificate{a.key.Public()}, Now: time.Now().Add(time.Minute)})
			if err != nil || len(report.Findings) > 0 || c.keep && report.Packages != 6 || !c.keep && report.Packages != 4 {
				t.Errorf("got %+v, %v", report, err)
			}
			need(t, "apt-get", "gpgv")
			sources := strings.NewReplacer(a.def.URL, a.serve(), a.def.SignedBy, filepath.Join(a.root, apt.KeyringFile)).Replace(a.read("dists/stable/kubernetes.sources"))
			client := newClient(t, "amd64", sources)
			client.must("apt-get", "update")
			client.must("apt-get", "download", "tool", "tool-docs", "libtool1")
			if debs, err := filepath.Glob(filepath.Join(client.dir, "*.deb")); err != nil || len(debs) != 3 {
				t.Errorf("downloaded %q", debs)
			}
		})
	}
}

func aptlyArchive(w *workshop) string {
	w.write("aptly.conf", fmt.Sprintf(`{"rootDir": %q, "architectures": ["amd64", "arm64", "source"]}`, filepath.Join(w.dir, "aptly")))
	w.run("aptly", "-config=aptly.conf", "repo", "create", "-distribution=stable", "-component=main", "old")
	w.run("aptly", append([]string{"-config=aptly.conf", "repo", "add", "old", w.dsc}, w.debs...)...)
	w.run("aptly", "-config=aptly.conf", "publish", "repo", "-batch", "-gpg-key=old@example.org", "-origin=Old", "-label=Old archive", "old")
	return filepath.Join(w.dir, "aptly", "public")
}

func repreproArchive(w *workshop) string {
	w.write("reprepro/conf/distributions", "Codename: stable\nSuite: stable\nOrigin: Old\nLabel: Old archive\nArchitectures: amd64 arm64 source\nComponents: main\nSignWith: old@example.org\n")
	w.run("reprepro", append([]string{"-b", "reprepro", "includedeb", "stable"}, w.debs...)...)
	w.run("reprepro", "-b", "reprepro", "-S", "misc", "-P", "optional", "includedsc", "stable", w.dsc)
	return filepath.Join(w.dir, "reprepro")
}

func ftparchiveArchive(w *workshop) string {
	for _, file := range w.debs {
		data, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatal(err)
		}
		w.write("ftparchive/pool/main/"+filepath.Base(file), string(data))
	}
	w.run("sh", "-c", `cp "$(dirname "$1")"/kubernetes_1.36.3.* ftparchive/pool/main && cd ftparchive && mkdir -p dists/stable/main/source && apt-ftparchive sources pool/main >dists/stable/main/source/Sources`, "sh", w.dsc)
	for _, arch := range []string{"amd64", "arm64"} {
		dir := "dists/stable/main/binary-" + arch
		w.write("ftparchive/"+dir+"/empty", "")
		w.run("sh", "-c", fmt.Sprintf("cd ftparchive && rm %[1]s/empty && apt-ftparchive --arch %[2]s packages pool/main >%[1]s/Packages && gzip -k %[1]s/Packages && bzip2 -k %[1]s/Packages", dir, arch))
	}
	w.run("sh", "-c", `cd ftparchive/dists/stable && apt-ftparchive -o APT::FTPArchive::Release::Origin=Old -o APT::FTPArchive::Release::Label='Old archive' \
		-o APT::FTPArchive::Release::Suite=stable -o APT::FTPArchive::Release::Codename=stable -o APT::FTPArchive::Release::Architectures='amd64 arm64' \
		-o APT::FTPArchive::Release::Components=main release . >Release && gpg --batch --clearsign -o InRelease Release && gpg --batch -abs -o Release.gpg Release`)
	return filepath.Join(w.dir, "ftparchive")
}

func flatArchive(w *workshop) string {
	w.run("sh", "-c", `mkdir flat && cp debs/*.deb flat && cd flat && apt-ftparchive packages . >Packages && gzip -k Packages && apt-ftparchive -o APT::FTPArchive::Release::Origin=Old \
		-o APT::FTPArchive::Release::Label='Old archive' -o APT::FTPArchive::Release::Suite=stable -o APT::FTPArchive::Release::Codename=stable release . >Release && gpg --batch -abs -o Release.gpg Release`)
	return filepath.Join(w.dir, "flat")
}

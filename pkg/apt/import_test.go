package apt_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/apt"
	"kubedist/pkg/deb/debtest"
	"kubedist/pkg/openpgp"
)

// imports takes over the archive in dir, in a transaction that is closed when the test ends.
func (a *archive) imports(o apt.ImportOptions) (*apt.ImportPlan, []apt.Added, error) {
	a.t.Helper()
	plan, err := apt.PlanImport(a.t.Context(), a.def, o)
	if err != nil {
		return nil, nil, err
	}
	var added []apt.Added
	tx := a.begin()
	defer tx.Close()
	if added, err = tx.Import(a.t.Context(), plan, apt.AddOptions{}); err != nil {
		return plan, added, err
	}
	if _, err = tx.Publish(a.t.Context(), a.options()); err != nil {
		a.t.Fatal(err)
	}
	return plan, added, tx.Close()
}

// write writes a file of a tree, and the directories above it.
func write(t testing.TB, root, name, text string) {
	t.Helper()
	file := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// foreignRelease is a Release as others write it.
func foreignRelease(files map[string]string) string {
	text := "Origin: Kubernetes\nLabel: Kubernetes\nSuite: stable\nCodename: stable\nDate: Tue, 14 Jul 2026 10:30:00 +0000\nArchitectures: amd64\nComponents: main\nSHA256:\n"
	for _, name := range []string{"Packages", "main/binary-amd64/Packages", "main/binary-amd64/Packages.gz", "main/source/Sources", "Release"} {
		if data, found := files[name]; found {
			text += fmt.Sprintf(" %x %d %s\n", sha256.Sum256([]byte(data)), len(data), name)
		}
	}
	return text
}

func foreignParagraph(file string, deb []byte) string {
	return fmt.Sprintf("Package: tool\nVersion: 1-1\nArchitecture: amd64\nFilename: %s\nSize: %d\nSHA256: %x\n", file, len(deb), sha256.Sum256(deb))
}

func TestImport(t *testing.T) {
	t.Parallel()
	old := newArchive(t)
	old.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"), newDeb(t, "kubeadm", "1.36.1-1.1", "arm64"), newDeb(t, "docs", "1:2-1", "all"))
	old.later()
	old.publish([]string{"stable"}, newDeb(t, "kubectl", "1.35.1-1.1", "amd64"))
	a := newArchive(t)
	a.key = newKey(t, 2) // the new archive has a key of its own
	o := apt.ImportOptions{Dir: old.root, Keyring: []*openpgp.Certificate{old.key.Public()}, Now: old.now}
	plan, added, err := a.imports(o)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Suites) != 2 || len(plan.Suites[0].Packages) != 4 || len(added) != 4 || len(plan.Warnings) != 0 {
		t.Errorf("got %+v\n%+v", plan, added)
	}
	for _, suite := range all {
		if got, want := a.versions(suite), old.versions(suite); got != want {
			t.Errorf("suite %s: got %s, want %s", suite, got, want)
		}
		if got, want := a.read("dists/"+suite+"/main/binary-amd64/Packages"), old.read("dists/"+suite+"/main/binary-amd64/Packages"); got != want {
			t.Errorf("suite %s: got\n%s\nwant\n%s", suite, got, want)
		}
	}
	// Clients that know the old one do not go back.
	if got, was := a.release("stable").Date, old.release("stable").Date; !got.After(was) {
		t.Errorf("dated %s, after %s", got, was)
	}
	a.now = old.now.Add(2 * time.Hour)
	a.mustVerify()
	if _, added, err = a.imports(o); err != nil || added[0].Outcome != apt.OutcomePresent {
		t.Errorf("imported once more: %+v, %v", added, err)
	}
	// One suite under another name has another identity.
	o.Suites = map[string]string{"v1.36": "unstable"}
	if _, _, err := a.imports(o); err == nil || !strings.Contains(err.Error(), `suite v1.36: would change Suite from "v1.36" to "unstable", Codename from "v1.36" to "unstable"`) {
		t.Errorf("got %v", err)
	}
	o.NewIdentity = true
	if plan, _, err := a.imports(o); err != nil || len(plan.Warnings) != 1 || !strings.Contains(a.versions("unstable"), "kubeadm 1.36.1-1.1 [amd64 arm64]") {
		t.Errorf("got %+v, %v, %s", plan, err, a.versions("unstable"))
	}
	a.mustVerify()
}

// TestImportTakesNothing damages an archive: everything that is wrong is told, and nothing is taken.
func TestImportTakesNothing(t *testing.T) {
	t.Parallel()
	base := newArchive(t)
	base.publish([]string{"stable"}, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"), newDeb(t, "kubectl", "1.36.1-1.1", "amd64"))
	const (
		kubeadm = "pool/main/k/kubeadm/kubeadm_1.36.1-1.1_amd64.deb"
		kubectl = "pool/main/k/kubectl/kubectl_1.36.1-1.1_amd64.deb"
		dir     = "dists/stable/"
	)
	flip := func(b []byte) []byte {
		b[len(b)/2] ^= 1
		return b
	}
	for _, c := range []struct {
		name   string
		files  []string
		change func([]byte) []byte // nil removes the files
		want   []string
	}{
		{"two packages", []string{kubeadm, kubectl}, func(b []byte) []byte { return bytes.Replace(b, []byte("nothing"), []byte("NOTHING"), 1) }, []string{kubeadm + ": has ", kubectl + ": has "}},
		{"no package", []string{kubeadm}, nil, []string{"no such file"}},
		{"an index", []string{dir + "main/binary-amd64/Packages.gz"}, flip, []string{"main/binary-amd64/Packages.gz: is not the file that Release names"}},
		{"a Release", []string{dir + "Release"}, flip, []string{"Release: is not the text of InRelease"}},
		{"a signature", []string{dir + "InRelease"}, func(b []byte) []byte {
			return bytes.Replace(b, []byte("Label: K"), []byte("Label: k"), 1)
		}, []string{"InRelease: ", "bad signature"}},
		{"all indices", []string{dir + "main/binary-amd64/Packages", dir + "main/binary-amd64/Packages.gz", dir + "main/binary-amd64/Packages.zst"}, nil, []string{"main/binary-amd64/Packages: none of its forms is there"}},
	} {
		old, a := *base, newArchive(t)
		old.root = copyTree(t, base.root)
		for _, name := range c.files {
			file := filepath.Join(old.root, name)
			data, err := os.ReadFile(file)
			if err == nil && c.change == nil {
				err = os.Remove(file)
			} else if err == nil {
				err = os.WriteFile(file, c.change(data), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		_, _, err := a.imports(apt.ImportOptions{Dir: old.root, Keyring: []*openpgp.Certificate{old.key.Public()}, Now: old.now})
		var problems *apt.ImportError
		if !errors.As(err, &problems) {
			t.Errorf("%s: got %v", c.name, err)
		}
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %s", c.name, err, want)
			}
		}
		if debs, _ := filepath.Glob(filepath.Join(a.root, "pool/*/*/*/*")); len(debs) > 0 || a.versions("stable") != "" {
			t.Errorf("%s: took %q", c.name, debs)
		}
	}
	a := newArchive(t)
	if _, _, err := a.imports(apt.ImportOptions{Dir: base.root, Keyring: []*openpgp.Certificate{newKey(t, 9).Public()}, Now: base.now}); !errors.Is(err, openpgp.ErrUnknownSigner) {
		t.Errorf("another key: got %v", err)
	}
	if _, _, err := a.imports(apt.ImportOptions{Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "no Release or InRelease") {
		t.Errorf("an empty directory: got %v", err)
	}
	if _, _, err := a.imports(apt.ImportOptions{Dir: base.root, Suites: map[string]string{"v9": "stable"}}); err == nil || !strings.Contains(err.Error(), "suite v9: ") {
		t.Errorf("an unknown suite: got %v", err)
	}
}

// TestImportOfOthers reads what others write and we do not.
func TestImportOfOthers(t *testing.T) {
	t.Parallel()
	deb := debtest.Bytes(t, "tool", "1-1", "amd64")
	const at = "main/binary-amd64/Packages"
	good := foreignParagraph("pool/t/tool_1-1_amd64.deb", deb)
	for _, c := range []struct {
		name, file string // where the package is
		index      string
		want       string // the path it gets, or the error
	}{
		{"a path of their own", "pool/t/tool_1-1_amd64.deb", good, "pool/t/tool_1-1_amd64.deb"},
		{"a path with a dot", "pool/t/tool_1-1_amd64.deb", foreignParagraph("./pool/t/tool_1-1_amd64.deb", deb), "pool/t/tool_1-1_amd64.deb"},
		{"not in a pool", "debs/tool_1-1_amd64.deb", foreignParagraph("debs/tool_1-1_amd64.deb", deb), "pool/main/t/tool/tool_1-1_amd64.deb"},
		{"a path that leaves", "pool/t/tool_1-1_amd64.deb", foreignParagraph("../x/tool_1-1_amd64.deb", deb), `path "../x/tool_1-1_amd64.deb" leaves the archive`},
		{"no digest", "pool/t/tool_1-1_amd64.deb", strings.Replace(good, "SHA256:", "MD5sum:", 1), `digest "" is no SHA-256`},
		{"another version", "pool/t/tool_1-1_amd64.deb", strings.Replace(good, "Version: 1-1", "Version: 1-2", 1), "is tool 1-1 (amd64); the index says tool 1-2 (amd64)"},
		{"two contents", "pool/t/tool_1-1_amd64.deb", good + "\n" + foreignParagraph("pool/t/tool_1-1_amd64.deb", deb[1:]), "tool 1-1 (amd64) is listed with SHA-256 "},
		{"no index", "pool/t/tool_1-1_amd64.deb", "x\n", `no colon in "x"`},
	} {
		dir, a := t.TempDir(), newArchive(t)
		write(t, dir, c.file, string(deb))
		write(t, dir, "dists/stable/"+at, c.index)
		write(t, dir, "dists/stable/Release", foreignRelease(map[string]string{at: c.index, "Release": "x"}))
		plan, added, err := a.imports(apt.ImportOptions{Dir: dir})
		if !strings.HasPrefix(c.want, "pool/") {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: got %v, want %s", c.name, err, c.want)
			}
			continue
		}
		if err != nil || len(added) != 1 || added[0].Filename != c.want {
			t.Errorf("%s: got %+v, %v\n%+v", c.name, added, err, plan)
		}
		a.now = epoch.AddDate(0, 1, 0)
		a.mustVerify()
	}
	dir, a := t.TempDir(), newArchive(t)
	flat := foreignParagraph("./tool_1-1_amd64.deb", deb)
	write(t, dir, "tool_1-1_amd64.deb", string(deb))
	write(t, dir, "Packages", flat)
	write(t, dir, "Release", foreignRelease(map[string]string{"Packages": flat, "Release": ""}))
	if _, _, err := a.imports(apt.ImportOptions{Dir: dir, Suites: map[string]string{".": "stable"}}); err != nil || a.versions("stable") != "tool 1-1 [amd64]" {
		t.Errorf("flat: got %v, %s", err, a.versions("stable"))
	}
}

func FuzzImport(f *testing.F) {
	f.Add(foreignRelease(map[string]string{"Packages": "x", "Release": ""}))
	f.Add(foreignParagraph("./pool/x.deb", []byte("x")) + "\n" + foreignParagraph("../x.deb", nil))
	f.Add("SHA256:\n x 1 ./../x\nDate: Tue, 14 Jul 2026 10:30:00 Z\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range apt.ParseForeign(text) {
			if !filepath.IsLocal(p) {
				t.Errorf("path %q leaves the archive", p)
			}
		}
	})
}

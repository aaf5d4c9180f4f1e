package apt_test

import (
	"archive/tar"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/apt"
	"kubedist/pkg/openpgp"
	"kubedist/repo"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// epoch is when the tests publish, unless they say otherwise.
var epoch = time.Date(2026, 7, 14, 9, 30, 0, 0, time.UTC)

// seed makes keys that are the same each time.
type seed byte

func (s seed) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(s)
	}
	return len(p), nil
}

func newKey(t testing.TB, n byte) *openpgp.Key {
	t.Helper()
	key, err := openpgp.Generate(t.Context(), openpgp.GenerateOptions{
		Name: fmt.Sprintf("Archive %d", n), Email: "archive@example.org", Created: epoch.AddDate(-1, 0, 0), Lifetime: 5 * 365 * 24 * time.Hour, Rand: seed(n),
	})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// definition is the one in repo/, with what change makes of its text.
func definition(t testing.TB, change ...string) *apt.Definition {
	t.Helper()
	d, err := apt.ParseDefinition("archive.yaml", []byte(strings.NewReplacer(change...).Replace(string(repo.Archive))))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// fields are a package's control fields beside the usual ones. One that begins with a slash is a file that the package
// installs.
func debBytes(t testing.TB, name, version, arch string, fields ...string) []byte {
	t.Helper()
	var data bytes.Buffer
	files := tar.NewWriter(&data)
	fields = slices.DeleteFunc(slices.Clone(fields), func(f string) bool {
		if !strings.HasPrefix(f, "/") {
			return false
		}
		if err := files.WriteHeader(&tar.Header{Name: "." + f, Typeflag: tar.TypeReg, Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		return true
	})
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: Kubernetes Authors <dev@example.org>\n", name, version, arch)
	for _, f := range fields {
		control += f + "\n"
	}
	control += "Description: " + name + " for tests\n It does nothing.\n"
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "./control", Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(control))}); err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, control)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	out := bytes.NewBufferString("!<arch>\n")
	for _, m := range []struct {
		name string
		data []byte
	}{{"debian-binary", []byte("2.0\n")}, {"control.tar", b.Bytes()}, {"data.tar", data.Bytes()}} {
		fmt.Fprintf(out, "%-16s%-12d%-6d%-6d%-8o%-10d`\n", m.name, 0, 0, 0, 0o100644, len(m.data))
		out.Write(m.data)
		if len(m.data)%2 == 1 {
			out.WriteByte('\n')
		}
	}
	return out.Bytes()
}

// newDeb writes a package into a directory of its own and returns its path.
func newDeb(t testing.TB, name, version, arch string, fields ...string) string {
	t.Helper()
	_, plain, found := strings.Cut(version, ":")
	if !found {
		plain = version
	}
	file := filepath.Join(t.TempDir(), name+"_"+plain+"_"+arch+".deb")
	if err := os.WriteFile(file, debBytes(t, name, version, arch, fields...), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// archive is a published tree that a test works on.
type archive struct {
	t    testing.TB
	root string
	def  *apt.Definition
	key  *openpgp.Key
	now  time.Time

	override []apt.Refusal
}

func newArchive(t testing.TB) *archive {
	return &archive{t: t, root: filepath.Join(t.TempDir(), "public"), def: definition(t, twoArchs...), key: newKey(t, 1), now: epoch}
}

func (a *archive) begin() *apt.Transaction {
	a.t.Helper()
	tx, err := apt.Begin(a.t.Context(), apt.Options{Root: a.root, Definition: a.def})
	if err != nil {
		a.t.Fatal(err)
	}
	return tx
}

func (a *archive) options() apt.PublishOptions {
	return apt.PublishOptions{Signers: []openpgp.Signer{a.key}, Now: a.now, Override: a.override}
}

// publish runs one transaction that adds packages to suites.
func (a *archive) publish(suites []string, debs ...string) *apt.Result {
	a.t.Helper()
	tx := a.begin()
	defer tx.Close()
	if len(debs) > 0 {
		if _, err := tx.Add(a.t.Context(), debs, apt.AddOptions{Suites: suites}); err != nil {
			a.t.Fatal(err)
		}
	}
	result, err := tx.Publish(a.t.Context(), a.options())
	if err != nil {
		a.t.Fatal(err)
	}
	if err := tx.Close(); err != nil {
		a.t.Fatal(err)
	}
	return result
}

func (a *archive) read(name string) string {
	a.t.Helper()
	data, err := os.ReadFile(filepath.Join(a.root, name))
	if err != nil {
		a.t.Fatal(err)
	}
	return string(data)
}

func (a *archive) verify() *apt.Report {
	a.t.Helper()
	report, err := apt.Verify(a.t.Context(), apt.VerifyOptions{Root: a.root, Keyring: []*openpgp.Certificate{a.key.Public()}, Now: a.now.Add(time.Hour)})
	if err != nil {
		a.t.Fatal(err)
	}
	return report
}

// mustVerify fails when the tree is not as apt and mirrors need it.
func (a *archive) mustVerify() {
	a.t.Helper()
	for _, f := range a.verify().Findings {
		a.t.Errorf("verify: %s: %s", f.Path, f.Problem)
	}
}

// snapshot lists the tree: each file's path, mode, time and contents.
func snapshot(t testing.TB, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		if rel == ".kubedist" {
			return fs.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() {
			files[rel] = info.Mode().String()
			return nil
		}
		data, err := os.ReadFile(name)
		files[rel] = fmt.Sprintf("%s %s %q", info.Mode(), info.ModTime().UTC(), data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
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
		t.Errorf("%s differs; go test -update rewrites it\ngot:\n%s\nwant:\n%s", file, got, want)
	}
}

func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

package apt_test

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/apt"
	"kubedist/pkg/deb/debtest"
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

// newDeb is [debtest.New], of which the tests are full.
func newDeb(t testing.TB, name, version, arch string, fields ...string) string {
	t.Helper()
	return debtest.New(t, name, version, arch, fields...)
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

package release

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/apt"
	"kubedist/pkg/atomicfile"
	"kubedist/pkg/build"
	"kubedist/pkg/build/buildtest"
	"kubedist/pkg/buildroot"
	"kubedist/pkg/deb"
	"kubedist/pkg/gocmd"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/platform"
	"kubedist/pkg/progress"
	"kubedist/pkg/tarball"
	"kubedist/repo"
	"kubedist/templates"
)

// epoch dates everything in these tests.
var epoch = time.Date(2026, time.September, 21, 14, 13, 20, 0, time.UTC)

// newKey makes a key whose signatures can carry epoch.
func newKey(t *testing.T) *openpgp.Key {
	t.Helper()
	key, err := openpgp.Generate(t.Context(), openpgp.GenerateOptions{Name: "test", Created: epoch.AddDate(-1, 0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestMain lets the program of these tests be the C compiler of the releases that they make, and enter the roots of real ones.
func TestMain(m *testing.M) {
	if order, asked := buildroot.Asked(os.Args[0], os.Getenv); asked {
		os.Exit(buildroot.Enter(order, os.Args[1:], os.Environ(), os.Stderr))
	}
	if len(os.Args) > 1 && os.Args[1] == buildtest.Flag {
		os.Exit(buildtest.CC(os.Args[2:], os.Stderr))
	}
	os.Exit(m.Run())
}

// ownCompilers brings that compiler for every platform.
func ownCompilers(t *testing.T) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []platform.Platform
	for _, p := range realSpec(t).Platforms {
		platforms = append(platforms, p.Platform)
	}
	return buildtest.Environ(self, platforms)
}

// smallTree is a workspace in the shape of Kubernetes that compiles in seconds.
func smallTree(name string) string { return filepath.Join("..", "source", "testdata", name) }

// smallRelease releases the small tree into a directory of the test's own.
func smallRelease(t *testing.T, signer openpgp.Signer, platforms ...string) Options {
	t.Helper()
	definition, err := apt.ParseDefinition("archive.yaml", repo.Archive)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return Options{
		Version: "v1.36.3", Spec: realSpec(t), Templates: templates.FS, Toolchain: gocmd.Local, Maintainer: "Test <test@example.org>",
		Selection: Selection{Platforms: ids(t, platforms...), Revision: "1.1", Host: platform.ID{OS: runtime.GOOS, Arch: runtime.GOARCH}, Until: Publish, NoImages: true},
		Sources:   map[string]string{"kubernetes": smallTree("kubernetes"), "cni-plugins": smallTree("cni-plugins"), "cri-tools": smallTree("cri-tools")},
		Out:       filepath.Join(dir, "out"), CacheDir: filepath.Join(dir, "cache"), Signer: signer, Epoch: epoch, Now: epoch,
		Budget:  build.Budget{Cores: runtime.GOMAXPROCS(0), Memory: 8 << 30},
		Archive: &Archive{Root: filepath.Join(dir, "public"), Definition: definition}, Reporter: progress.Discard{},
		Environ: append(os.Environ(), ownCompilers(t)...),
	}
}

func mustRun(t *testing.T, o Options) *Result {
	t.Helper()
	result, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// TestFullMatrix carries every platform through every step.
func TestFullMatrix(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	o := smallRelease(t, key)
	result := mustRun(t, o)
	if result.UpToDate {
		t.Error("the first run says that there was nothing to do")
	}
	if !slices.Equal(result.Published, []string{"v1.36", "stable", "latest", "unstable"}) {
		t.Errorf("published into %v", result.Published)
	}
	verified, err := Verify(t.Context(), o.Dir(), VerifyOptions{Keyring: []*openpgp.Certificate{key.Public()}, Spec: o.Spec, Now: epoch, Jobs: 2})
	if err != nil || len(verified.Findings) > 0 {
		t.Fatalf("verifying: %v, %+v", err, verified)
	}
	report, err := apt.Verify(t.Context(), apt.VerifyOptions{Root: o.Archive.Root, Keyring: []*openpgp.Certificate{key.Public()}, Now: epoch})
	if err != nil || len(report.Findings) > 0 {
		t.Fatalf("verifying the archive: %v, %+v", err, report)
	}
	var list bytes.Buffer
	for _, a := range result.Artifacts {
		fmt.Fprintf(&list, "%s\n", a.Path)
		for _, missing := range a.Missing {
			fmt.Fprintf(&list, "    without %s\n", missing)
		}
	}
	golden(t, "artifacts.txt", list.Bytes())
	for _, name := range []string{"kubernetes-client-windows-arm64.tar.gz", "kubernetes-node-linux-arm.tar.gz", "kubernetes-server-linux-s390x.tar.gz"} {
		golden(t, "tarballs/"+name+".txt", tarballListing(t, filepath.Join(o.Dir(), "tarballs", name)))
	}

	again := mustRun(t, o)
	if !again.UpToDate {
		t.Error("the second run found something to do")
	}
	if !slices.EqualFunc(result.Artifacts, again.Artifacts, func(a, b Artifact) bool { return a.SHA256 == b.SHA256 && a.Path == b.Path }) {
		t.Error("the second run has other artifacts")
	}

	// A second key signs what has room for two signatures, such as the provenance; no package is made again.
	next := newKey(t)
	o.CoSigners = []openpgp.Signer{next}
	again = mustRun(t, o)
	if !slices.EqualFunc(result.Artifacts, again.Artifacts, func(a, b Artifact) bool {
		return a.Path == b.Path && (a.SHA256 == b.SHA256) == (a.Kind != Provenance)
	}) {
		t.Error("with a second key there are other artifacts")
	}
	for _, signer := range []*openpgp.Key{key, next} {
		keyring := []*openpgp.Certificate{signer.Public()}
		verified, err := Verify(t.Context(), o.Dir(), VerifyOptions{Keyring: keyring, Spec: o.Spec, Now: epoch, Jobs: 2})
		if err != nil || len(verified.Findings) > 0 {
			t.Errorf("verifying with one key of two: %v, %+v", err, verified)
		}
		report, err := apt.Verify(t.Context(), apt.VerifyOptions{Root: o.Archive.Root, Keyring: keyring, Now: epoch.Add(time.Hour)})
		if err != nil || len(report.Findings) > 0 {
			t.Errorf("verifying the archive with one key of two: %v, %+v", err, report)
		}
	}
}

// tarballListing gives mode, owner, time and name of every entry; sizes and digests change with the Go release.
func tarballListing(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	entries, err := tarball.List(t.Context(), f, tarball.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, e := range entries {
		fmt.Fprintf(&b, "%v %d/%d %s %s\n", e.Mode, e.UID, e.GID, e.Time.UTC().Format(time.RFC3339), e.Name)
	}
	return b.Bytes()
}

// TestReproducible makes the same release in two places with all that must not matter being different.
func TestReproducible(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	one, two := smallRelease(t, key, "linux/amd64", "linux/arm/v7"), smallRelease(t, key, "linux/arm/v7", "linux/amd64")
	two.Budget = build.Budget{Cores: 1, Memory: 1 << 30}
	mustRun(t, one)
	mustRun(t, two)
	sameTree(t, one.Dir(), two.Dir())
	sameTree(t, one.Archive.Root, two.Archive.Root)
}

// sameTree compares the visible files below two directories, their modes included.
func sameTree(t *testing.T, a, b string) {
	t.Helper()
	read := func(root string) map[string]string {
		files := map[string]string{}
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			if strings.HasPrefix(rel, ".") && rel != "." {
				if d.IsDir() {
					return filepath.SkipDir
				}
				return nil
			}
			if d.Type().IsRegular() {
				data, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				info, err := d.Info()
				if err != nil {
					return err
				}
				files[rel] = info.Mode().String() + string(data)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	first, second := read(a), read(b)
	if len(first) == 0 {
		t.Fatalf("%s is empty", a)
	}
	for name, data := range first {
		if second[name] != data {
			t.Errorf("%s differs", name)
		}
		delete(second, name)
	}
	for name := range second {
		t.Errorf("%s is in the second only", name)
	}
}

// TestResume loses one package of a finished release: the next run makes it again, with the same bytes, and no more.
func TestResume(t *testing.T) {
	t.Parallel()
	o := smallRelease(t, newKey(t), "linux/amd64")
	mustRun(t, o)
	lost := filepath.Join(o.Dir(), "debs", "kubelet_1.36.3-1.1_amd64.deb")
	before, err := os.ReadFile(lost)
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(o.Dir(), "debs", "kubeadm_1.36.3-1.1_amd64.deb")
	keptBefore, err := os.Stat(kept)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lost, before[:len(before)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	if result := mustRun(t, o); result.UpToDate {
		t.Error("a truncated package went unnoticed")
	}
	after, err := os.ReadFile(lost)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the package was not made again as it was: %v", err)
	}
	keptAfter, err := os.Stat(kept)
	if err != nil || !os.SameFile(keptBefore, keptAfter) {
		t.Errorf("another package was written again: %v", err)
	}
}

// TestAnotherSelection releases one platform after another into the same directory. The tools that the building machine
// compiled for itself the first time are not taken for its released programs, and what is no part of the second release
// is gone, but for files of others.
func TestAnotherSelection(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	o := smallRelease(t, key, "linux/arm64")
	o.Selection.Host = platform.ID{OS: "linux", Arch: "amd64"}
	first := mustRun(t, o)
	var m Manifest
	data, err := os.ReadFile(filepath.Join(o.Dir(), ManifestName))
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	if err != nil || !slices.Equal(m.Platforms, []string{"linux/arm64"}) {
		t.Errorf("platforms %v, %v", m.Platforms, err)
	}
	foreign := filepath.Join(o.Dir(), "debs", "notes.txt")
	if err := os.WriteFile(foreign, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	leftover := filepath.Join(o.Dir(), "debs", atomicfile.Prefix+"1")
	if err := os.WriteFile(leftover, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	o.Selection.Platforms = ids(t, "linux/amd64")
	second := map[string]bool{}
	for _, a := range mustRun(t, o).Artifacts {
		second[a.Path] = true
		if strings.HasPrefix(a.Path, ".kubedist") {
			t.Errorf("artifact %s", a.Path)
		}
	}
	for _, a := range first.Artifacts {
		if _, err := os.Stat(filepath.Join(o.Dir(), a.Path)); err == nil && !second[a.Path] {
			t.Errorf("%s of the first release is still there", a.Path)
		}
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Errorf("a file of somebody else is gone: %v", err)
	}
	if err := os.Remove(foreign); err != nil {
		t.Fatal(err)
	}
	v, err := Verify(t.Context(), o.Dir(), VerifyOptions{Keyring: []*openpgp.Certificate{key.Public()}, Spec: o.Spec, Now: epoch})
	if err != nil || len(v.Findings) > 0 {
		t.Errorf("verifying: %v %+v", err, v)
	}
}

// TestPackageKey changes what a package is made of, a thing at a time.
func TestPackageKey(t *testing.T) {
	t.Parallel()
	base := func() (deb.Package, []content) {
		return deb.Package{Name: "a"}, []content{{deb.File{Path: "/etc/a", Mode: 0o644, Source: "/tmp/x"}, "digest"}}
	}
	d, contents := base()
	want := packageKey(d, contents, deb.Compression{}, "signer")
	contents[0].file.Source = "/elsewhere"
	if packageKey(d, contents, deb.Compression{}, "signer") != want {
		t.Error("where a file lies decides the key")
	}
	for name, change := range map[string]func(*deb.Package, *content){
		"path":   func(_ *deb.Package, c *content) { c.file.Path = "/etc/b" },
		"mode":   func(_ *deb.Package, c *content) { c.file.Mode = 0o755 },
		"config": func(_ *deb.Package, c *content) { c.file.Config = true },
		"dir":    func(_ *deb.Package, c *content) { c.file.Dir = true },
		"bytes":  func(_ *deb.Package, c *content) { c.digest = "other" },
		"script": func(d *deb.Package, _ *content) { d.Scripts.Postinst = []byte("#!/bin/sh\n") },
		"name":   func(d *deb.Package, _ *content) { d.Name = "b" },
	} {
		d, contents := base()
		change(&d, &contents[0])
		if packageKey(d, contents, deb.Compression{}, "signer") == want {
			t.Errorf("%s is not in the key", name)
		}
	}
}

// TestVerifyFinds damages a release in ways that verifying has to notice.
func TestVerifyFinds(t *testing.T) {
	t.Parallel()
	key, other := newKey(t), newKey(t)
	o := smallRelease(t, key, "linux/amd64")
	mustRun(t, o)
	for name, c := range map[string]struct {
		damage func(dir string) error
		key    openpgp.Signer
		want   string
	}{
		"a flipped byte": {func(dir string) error { return flip(filepath.Join(dir, "debs", "kubectl_1.36.3-1.1_amd64.deb")) }, key, "kubectl_1.36.3-1.1_amd64.deb: different"},
		"a missing file": {func(dir string) error { return os.Remove(filepath.Join(dir, "tarballs", "kubernetes-src.tar.gz")) }, key, "kubernetes-src.tar.gz: missing"},
		"an extra file":  {func(dir string) error { return os.WriteFile(filepath.Join(dir, "debs", "x.deb"), nil, 0o644) }, key, "debs/x.deb: extra"},
		"an extra program": {func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "bin", "linux", "amd64", "evil"), nil, 0o755)
		}, key, "bin/linux/amd64/evil: extra"},
		"shorter SHA512SUMS": {func(dir string) error {
			data, err := os.ReadFile(filepath.Join(dir, "SHA512SUMS"))
			if err != nil {
				return err
			}
			_, rest, _ := bytes.Cut(data, []byte("\n"))
			return os.WriteFile(filepath.Join(dir, "SHA512SUMS"), rest, 0o644)
		}, key, "SHA512SUMS says \"\""},
		"another key": {func(string) error { return nil }, other, "SHA256SUMS.asc: "},
		"changed sums": {func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(strings.Repeat("0", 64)+"  release.json\n"), 0o644)
		}, key, "SHA256SUMS.asc: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "copy")
			if err := os.CopyFS(dir, os.DirFS(o.Dir())); err != nil {
				t.Fatal(err)
			}
			if err := c.damage(dir); err != nil {
				t.Fatal(err)
			}
			v, err := Verify(t.Context(), dir, VerifyOptions{Keyring: []*openpgp.Certificate{c.key.Public()}, Spec: o.Spec, Now: epoch})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(v.Findings, func(f string) bool { return strings.Contains(f, c.want) }) {
				t.Errorf("findings %q, want one with %q", v.Findings, c.want)
			}
		})
	}
}

// flip changes one byte in the middle of a file.
func flip(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	data[len(data)/2] ^= 1
	return os.WriteFile(path, data, 0o644)
}

// TestBrokenPlatform breaks the tree on one platform: the error names it and quotes the compiler, nothing is published,
// and with KeepGoing the other platforms are finished.
func TestBrokenPlatform(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "kubernetes")
	if err := os.CopyFS(broken, os.DirFS(smallTree("kubernetes"))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, "cmd", "kubelet", "broken_s390x.go"), []byte("package main\n\nvar x int = \"no number\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	o := smallRelease(t, newKey(t), "linux/s390x", "linux/amd64")
	o.Sources["kubernetes"] = broken
	for _, keepGoing := range []bool{false, true} {
		o.KeepGoing = keepGoing
		_, err := Run(t.Context(), o)
		if err == nil {
			t.Fatal("a tree that does not compile made a release")
		}
		for _, want := range []string{"linux/s390x", "broken_s390x.go:3", "untyped string"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error %q does not have %q", err, want)
			}
		}
		if _, err := os.Stat(filepath.Join(o.Archive.Root, "dists")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a broken release was published: %v", err)
		}
	}
	if _, err := os.Stat(filepath.Join(o.Dir(), "debs", "kubelet_1.36.3-1.1_amd64.deb")); err != nil {
		t.Errorf("--keep-going did not finish the other platform: %v", err)
	}
}

// TestInterrupted stops a run while it compiles. It ends soon, leaves no file under a final name that the next run would
// have to mistrust, and that run succeeds.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	o := smallRelease(t, newKey(t), "linux/amd64")
	ctx, cancel := context.WithCancel(t.Context())
	o.Reporter = reporterFunc(func(e progress.Event) {
		if e.Kind == progress.Stepped && strings.HasPrefix(e.Step, "compile") {
			cancel()
		}
	})
	if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want one of the interrupt", err)
	}
	left, err := filepath.Glob(filepath.Join(o.Dir(), "bin", "*", "*", ".kubedist-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	o.Reporter = progress.Discard{}
	mustRun(t, o)
}

type reporterFunc func(progress.Event)

func (f reporterFunc) Report(e progress.Event) { f(e) }

// TestTwoReleasesShareAnArchive publishes a second version: the first stays.
func TestTwoReleasesShareAnArchive(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	first, second := smallRelease(t, key, "linux/amd64"), smallRelease(t, key, "linux/amd64")
	second.Archive.Root, second.Version, second.Now = first.Archive.Root, "v1.36.4", epoch.Add(time.Hour)
	mustRun(t, first)
	// The companions of the second release are compressed in another way. The archive keeps what it has.
	second.Compression, _ = deb.ParseCompression("gzip")
	mustRun(t, second)
	list, err := apt.List(t.Context(), apt.Options{Root: first.Archive.Root, Definition: first.Archive.Definition})
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, l := range list {
		if l.Suite == "v1.36" {
			have = append(have, l.Package+"="+l.Version)
		}
	}
	want := []string{"cri-tools=1.36.0-1.1", "kubeadm=1.36.3-1.1", "kubeadm=1.36.4-1.1", "kubectl=1.36.3-1.1", "kubectl=1.36.4-1.1",
		"kubelet=1.36.3-1.1", "kubelet=1.36.4-1.1", "kubernetes-cni=1.9.1-1.1"}
	if !slices.Equal(have, want) {
		t.Errorf("the archive has %v, want %v", have, want)
	}
}

// TestFewerArchitectures releases a version for fewer architectures than the one before it: that is refused before
// anything is compiled, unless it is overridden.
func TestFewerArchitectures(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	first, second := smallRelease(t, key, "linux/amd64", "linux/arm64"), smallRelease(t, key, "linux/arm64")
	second.Archive.Root, second.Version, second.Now = first.Archive.Root, "v1.36.4", epoch.Add(time.Hour)
	mustRun(t, first)
	_, err := Run(t.Context(), second)
	var refused *apt.RefusedError
	if !errors.As(err, &refused) || refused.Problems[0].Refusal != apt.RefuseArchitecture ||
		!strings.Contains(err.Error(), "architecture: suites v1.36, stable, latest, unstable: kubeadm 1.36.4-1.1: missing for amd64, which have 1.36.3-1.1") {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(second.Dir(), "bin")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was compiled: %v", err)
	}
	second.Archive.Override = []apt.Refusal{apt.RefuseArchitecture}
	if result := mustRun(t, second); len(result.Published) != 4 {
		t.Errorf("published into %v", result.Published)
	}
}

// TestOlderMinorPassesLatestBy releases a patch of an older minor version: the suite of the newest does not get it, and
// the next run has nothing to do.
func TestOlderMinorPassesLatestBy(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	newer, older := smallRelease(t, key, "linux/amd64"), smallRelease(t, key, "linux/amd64")
	older.Archive.Root, older.Version, older.Now = newer.Archive.Root, "v1.35.9", epoch.Add(time.Hour)
	mustRun(t, newer)
	if result := mustRun(t, older); !slices.Equal(result.Published, []string{"v1.35", "stable", "unstable"}) {
		t.Errorf("published into %v", result.Published)
	}
	if result := mustRun(t, older); !result.UpToDate {
		t.Error("the second run had something to do")
	}
	list, err := apt.List(t.Context(), apt.Options{Root: newer.Archive.Root, Definition: newer.Archive.Definition}, "latest")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range list {
		if strings.HasPrefix(l.Version, "1.35.") {
			t.Errorf("latest has %s %s", l.Package, l.Version)
		}
	}
}

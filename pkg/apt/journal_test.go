package apt_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/apt"
)

// oneArch keeps the number of changes to the disk low.
var oneArch = []string{"[amd64, arm64, armhf, i386, loong64, ppc64el, riscv64, s390x]", "[amd64]", "[gz, zst]", "[gz]"}

// suites lists what clients see in three suites.
func (a *archive) suites() string {
	a.t.Helper()
	return a.versions("v1.36") + "; " + a.versions("stable") + "; " + a.versions("unstable")
}

// TestSeveralSuitesTogether kills a publishing of three suites at every change to the disk, and what the next run does
// about it at every change, too. Whoever gets through finds all suites as they were or all as they were to be.
func TestSeveralSuitesTogether(t *testing.T) {
	t.Parallel()
	names := []string{"v1.36", "stable", "unstable"}
	base := newArchive(t)
	base.def = definition(t, oneArch...)
	base.publish(names, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	old := base.suites()
	next := newDeb(t, "kubeadm", "1.36.2-1.1", "amd64")
	want := strings.ReplaceAll(old, "1.36.1-1.1 [amd64]", "1.36.1-1.1 [amd64], kubeadm 1.36.2-1.1 [amd64]")
	journals, finished := 0, false
	for n := 1; !finished; n++ {
		a := *base
		a.root = copyTree(t, base.root)
		a.now = epoch.Add(time.Hour)
		tx := a.begin()
		tx.FailAt(n, errKilled)
		_, err := tx.Add(t.Context(), []string{next}, apt.AddOptions{Suites: names})
		if err == nil {
			_, err = tx.Snapshot(t.Context(), apt.SnapshotOptions{Name: "before"})
		}
		if err == nil {
			_, err = tx.Publish(t.Context(), a.options())
		}
		finished = err == nil
		if err != nil && !errors.Is(err, errKilled) {
			t.Fatalf("killed at change %d: %v", n, err)
		}
		tx.Kill()
		begun := apt.Journal(a.root)
		if !begun && !finished && a.suites() != old && a.suites() != want {
			t.Fatalf("killed at change %d: without a journal clients see %s", n, a.suites())
		}
		// The first time there is a journal, everything in it is still to be done.
		if begun {
			if journals++; journals == 1 {
				killRollForward(t, &a, want)
			}
		}
		if err := a.begin().Close(); err != nil {
			t.Fatal(err)
		}
		got := a.suites()
		if got != old && got != want || (begun || finished) && got != want {
			t.Fatalf("killed at change %d (journal %v): afterwards clients see %s", n, begun, got)
		}
		if apt.Journal(a.root) {
			t.Fatalf("killed at change %d: the journal stays", n)
		}
		if kept, err := apt.Snapshots(t.Context(), apt.Options{Root: a.root, Definition: a.def}); err != nil || (len(kept) == 1) != (got == want) {
			t.Fatalf("killed at change %d: %d snapshots (%v), and clients see %s", n, len(kept), err, got)
		}
		if n%5 > 0 {
			continue
		}
		a.now = a.now.Add(time.Hour)
		a.publish(nil)
		a.mustVerify()
		a.mustList()
		if t.Failed() {
			t.Fatalf("killed at change %d", n)
		}
	}
	if journals < 10 {
		t.Errorf("%d runs left a journal, too few to be true", journals)
	}
}

// killRollForward kills the run that finishes what the journal says, at every change.
func killRollForward(t *testing.T, killed *archive, want string) {
	t.Helper()
	for n := 1; ; n++ {
		a := *killed
		a.root = copyTree(t, killed.root)
		tx, count, err := apt.BeginFailAt(t.Context(), apt.Options{Root: a.root, Definition: a.def}, n, errKilled)
		if err == nil {
			if tx.Kill(); count < 10 {
				t.Errorf("rolling forward made %d changes, too few to be true", count)
			}
			return
		}
		if !errors.Is(err, errKilled) {
			t.Fatalf("rolling forward, killed at change %d: %v", n, err)
		}
		if err := a.begin().Close(); err != nil {
			t.Fatal(err)
		}
		if got := a.suites(); got != want {
			t.Fatalf("rolling forward, killed at change %d: afterwards clients see %s", n, got)
		}
		if n%5 == 0 {
			a.mustVerify()
		}
	}
}

// TestTroubleAfterTheJournal fails a change in a process that lives on: the next one finishes the publishing.
func TestTroubleAfterTheJournal(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.def = definition(t, oneArch...)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	full := errors.New("no space left on device")
	file := newDeb(t, "kubeadm", "1.36.2-1.1", "amd64")
	for n := 1; ; n++ {
		tx := a.begin()
		tx.FailAt(n, full)
		_, err := tx.Add(t.Context(), []string{file}, apt.AddOptions{Suites: all})
		if err == nil {
			_, err = tx.Publish(t.Context(), a.options())
		}
		if err == nil {
			t.Fatal("no failure left a journal")
		}
		if !errors.Is(err, full) {
			t.Fatal(err)
		}
		if err := tx.Close(); err != nil {
			t.Fatal(err)
		}
		if apt.Journal(a.root) {
			break
		}
		if got := a.versions("v1.36"); got != "kubeadm 1.36.1-1.1 [amd64]" {
			t.Fatalf("change %d failed: clients see %s", n, got)
		}
	}
	if err := a.begin().Close(); err != nil {
		t.Fatal(err)
	}
	for _, suite := range all {
		if got := a.versions(suite); got != "kubeadm 1.36.1-1.1 [amd64], kubeadm 1.36.2-1.1 [amd64]" {
			t.Errorf("suite %s: clients see %s", suite, got)
		}
	}
	a.mustVerify()
}

func TestParseJournal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "EOF"},
		{"cut short", `{"steps":[{"do":"sync"}`, "unexpected EOF"},
		{"more after it", `{"steps":[]}{}`, "more than one document"},
		{"unknown step", `{"steps":[{"do":"format","to":"x"}]}`, `step 1: "format" is unknown`},
		{"unknown field", `{"steps":[{"do":"sync","why":"x"}]}`, `unknown field "why"`},
		{"a path that leaves", `{"steps":[{"do":"sync"},{"do":"place","from":".kubedist/tmp/1","to":"../x"}]}`, `step 2: path "../x" leaves the archive`},
		{"an absolute path", `{"steps":[{"do":"link","from":"/etc/shadow","to":"dists/x"}]}`, `path "/etc/shadow" leaves the archive`},
		{"the root", `{"steps":[{"do":"remove","to":"."}]}`, `path "." leaves the archive`},
		{"no path", `{"steps":[{"do":"remove"}]}`, `path "" leaves the archive`},
	} {
		if _, err := apt.ParseJournal([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

func FuzzJournal(f *testing.F) {
	for _, seed := range []string{"", `{"steps":[{"do":"place","from":".kubedist/tmp/1","to":"dists/x/InRelease"},{"do":"sync"}]}`, `{"steps":[{"do":"link","from":"a","to":"../b"}]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		paths, err := apt.ParseJournal(data)
		if err != nil {
			return
		}
		for _, p := range paths {
			if p != "" && !filepath.IsLocal(p) {
				t.Errorf("path %q leaves the archive", p)
			}
		}
	})
}

package apt_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kubedist/pkg/apt"
	"kubedist/pkg/openpgp"
)

var errKilled = errors.New("killed")

// copyTree copies an archive, times included.
func copyTree(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "public")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	var names []string
	err := filepath.WalkDir(from, func(name string, _ fs.DirEntry, err error) error {
		names = append(names, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Backward(names) { // a directory after what is in it
		info, err := os.Stat(name)
		if err == nil {
			rel, _ := filepath.Rel(from, name)
			err = os.Chtimes(filepath.Join(to, rel), info.ModTime(), info.ModTime())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// consistent looks at a tree as a client would at this moment: what InRelease names must be there under by-hash, and the
// packages that those indices list in the pool.
func consistent(t *testing.T, a *archive) (packages string) {
	t.Helper()
	report := a.verify()
	for _, f := range report.Findings {
		// Canonical names and Release may be ahead of InRelease; clients that use by-hash do not care.
		if strings.Contains(f.Path, "/by-hash/") || strings.HasPrefix(f.Path, "pool/") || strings.HasSuffix(f.Path, "/InRelease") && f.Problem != "missing" {
			t.Errorf("%s: %s", f.Path, f.Problem)
		}
	}
	return a.versions("v1.36")
}

// TestKilledAnywhere kills a publishing at every change it makes to the disk. Afterwards clients must see the archive as
// it was or as it was to be, the next run must succeed, and nothing that was published may be lost.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	base := newArchive(t)
	base.def = definition(t, "[amd64, arm64, armhf, i386, loong64, ppc64el, riscv64, s390x]", "[amd64]", "[gz, zst]", "[gz]")
	base.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	old := base.versions("v1.36")
	next, third := newDeb(t, "kubeadm", "1.36.2-1.1", "amd64"), newDeb(t, "kubeadm", "1.36.3-1.1", "amd64")
	const done = "kubeadm 1.36.1-1.1 [amd64], kubeadm 1.36.2-1.1 [amd64]"
	for n := 1; ; n++ {
		a := *base
		a.root = copyTree(t, base.root)
		a.now = epoch.Add(time.Hour)
		tx := a.begin()
		count := tx.FailAt(n, errKilled)
		_, err := tx.Add(t.Context(), []string{next}, apt.AddOptions{Suites: []string{"v1.36"}})
		if err == nil {
			_, err = tx.Publish(t.Context(), a.options())
		}
		if err == nil {
			if *count < 20 {
				t.Fatalf("publishing made %d changes to the disk, too few to be true", *count)
			}
			break
		}
		if !errors.Is(err, errKilled) {
			t.Fatalf("killed at change %d: %v", n, err)
		}
		tx.Kill()
		if got := consistent(t, &a); got != old && got != done {
			t.Fatalf("killed at change %d: clients see %s", n, got)
		}
		// What comes next may be the same again, or something else, or nothing at all.
		a.now = a.now.Add(time.Minute)
		want := done
		switch n % 3 {
		case 0:
			a.publish([]string{"v1.36"}, next)
		case 1:
			a.publish([]string{"v1.36"}, next, third)
			want += ", kubeadm 1.36.3-1.1 [amd64]"
		case 2:
			if !apt.Journal(a.root) { // else the next run finishes it
				want = a.versions("v1.36")
			}
			a.publish(nil)
		}
		if got := a.versions("v1.36"); got != want {
			t.Fatalf("killed at change %d: afterwards clients see %s, want %s", n, got, want)
		}
		a.mustVerify()
		a.mustList()
		if t.Failed() {
			t.Fatalf("killed at change %d", n)
		}
	}
}

// TestKilledFirstTime kills the very first publishing of a suite at every change.
func TestKilledFirstTime(t *testing.T) {
	t.Parallel()
	file, companion := newDeb(t, "kubeadm", "1.36.2-1.1", "amd64"), newDeb(t, "cri-tools", "1.35.0-1.1", "amd64")
	for n := 1; ; n++ {
		a := newArchive(t)
		a.def = definition(t, "[amd64, arm64, armhf, i386, loong64, ppc64el, riscv64, s390x]", "[amd64]", "[gz, zst]", "[gz]")
		tx := a.begin()
		tx.FailAt(n, errKilled)
		_, err := tx.Add(t.Context(), []string{file}, apt.AddOptions{Suites: []string{"v1.36"}})
		if err == nil {
			_, err = tx.Publish(t.Context(), a.options())
		}
		if err == nil {
			break
		}
		tx.Kill()
		if n%2 == 0 { // something else comes first
			a.publish([]string{"v1.35"}, companion)
			a.mustVerify()
		}
		a.publish([]string{"v1.36"}, file)
		a.mustVerify()
		if t.Failed() {
			t.Fatalf("killed at change %d", n)
		}
	}
}

// TestLostLockFile publishes into a tree that was copied without the work directory.
func TestLostLockFile(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	if err := os.RemoveAll(filepath.Join(a.root, ".kubedist")); err != nil {
		t.Fatal(err)
	}
	for _, s := range a.publish(all).Suites {
		if s.Published {
			t.Errorf("suite %s was published: %s", s.Suite, s.Reason)
		}
	}
	if err := os.RemoveAll(filepath.Join(a.root, ".kubedist")); err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(a.root, "dists/stable/main/binary-amd64/Packages.gz")
	if err := os.Remove(damaged); err != nil { // not the file under by-hash, which is the same one
		t.Fatal(err)
	}
	for _, s := range a.publish(all).Suites {
		if s.Published != (s.Suite == "stable") {
			t.Errorf("suite %s: got %+v", s.Suite, s)
		}
	}
	a.mustVerify()
}

// TestTwoWriters lets several writers publish at once; nothing may be lost.
func TestTwoWriters(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	const rounds = 4
	var wg sync.WaitGroup
	var mu sync.Mutex
	waited := 0
	for writer := range 3 {
		var files []string
		for i := range rounds {
			files = append(files, newDeb(t, "kubeadm", fmt.Sprintf("1.36.%d-%d", i, writer), "amd64"))
		}
		wg.Go(func() {
			for _, file := range files {
				if err := publishOne(t.Context(), a, file, func(holder string) {
					mu.Lock()
					defer mu.Unlock()
					if waited++; !strings.Contains(holder, "process") {
						t.Errorf("waiting for %q", holder)
					}
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := strings.Count(a.versions("v1.36"), "kubeadm"); got != 3*rounds {
		t.Errorf("%d packages of %d are there", got, 3*rounds)
	}
	a.mustVerify()
}

func publishOne(ctx context.Context, a *archive, file string, waiting func(string)) error {
	tx, err := apt.Begin(ctx, apt.Options{Root: a.root, Definition: a.def, Waiting: waiting})
	if err != nil {
		return err
	}
	defer tx.Close()
	if _, err := tx.Add(ctx, []string{file}, apt.AddOptions{Suites: []string{"v1.36"}}); err != nil {
		return err
	}
	if _, err := tx.Publish(ctx, a.options()); err != nil {
		return err
	}
	return tx.Close()
}

func TestLockSaysWhoHoldsIt(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	tx := a.begin()
	defer tx.Close()
	ctx, cancel := context.WithCancel(t.Context())
	told := ""
	_, err := apt.Begin(ctx, apt.Options{Root: a.root, Definition: a.def, Waiting: func(holder string) { told = holder; cancel() }})
	want := fmt.Sprintf("process %d on ", os.Getpid())
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "held by "+want) || !strings.HasPrefix(told, want) {
		t.Errorf("got %v, told %q", err, told)
	}
}

// TestDiskTrouble fails one change in a process that lives on: the error is told and the old state is intact.
func TestDiskTrouble(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	full := errors.New("no space left on device")
	tx := a.begin()
	tx.FailAt(3, full)
	_, err := tx.Add(t.Context(), []string{newDeb(t, "kubeadm", "1.36.2-1.1", "amd64")}, apt.AddOptions{Suites: all})
	if err == nil {
		_, err = tx.Publish(t.Context(), apt.PublishOptions{Signers: []openpgp.Signer{a.key}, Now: a.now})
	}
	if !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if err := tx.Close(); err != nil {
		t.Error(err)
	}
	if got := a.versions("v1.36"); got != "kubeadm 1.36.1-1.1 [amd64]" {
		t.Errorf("clients see %s", got)
	}
	a.mustVerify()
}

// TestLostInRelease refuses to take a suite for an unpublished one because its InRelease was lost.
func TestLostInRelease(t *testing.T) {
	t.Parallel()
	for _, lockToo := range []bool{false, true} {
		a := newArchive(t)
		a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
		if err := os.Remove(filepath.Join(a.root, "dists/stable/InRelease")); err != nil {
			t.Fatal(err)
		}
		if lockToo {
			if err := os.RemoveAll(filepath.Join(a.root, ".kubedist")); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			tx, err := apt.Begin(t.Context(), apt.Options{Root: a.root, Definition: a.def})
			if err == nil || !strings.Contains(err.Error(), "suite stable: InRelease: missing beside Release") {
				t.Errorf("lock lost too %v: got %v, %v", lockToo, tx, err)
			}
		}
	}
}

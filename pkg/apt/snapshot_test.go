package apt_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/apt"
	"kubedist/pkg/openpgp"
)

// keep takes a snapshot, alone.
func (a *archive) keep(name string, suites ...string) *apt.Snapshot {
	a.t.Helper()
	tx := a.begin()
	defer tx.Close()
	s, err := tx.Snapshot(a.t.Context(), apt.SnapshotOptions{Name: name, Suites: suites})
	if err != nil {
		a.t.Fatal(err)
	}
	if err := tx.SaveSnapshots(a.t.Context(), a.now); err != nil {
		a.t.Fatal(err)
	}
	if err := tx.Close(); err != nil {
		a.t.Fatal(err)
	}
	return s
}

// later moves the clock of the tests.
func (a *archive) later() { a.now = a.now.Add(time.Hour) }

// change runs one transaction, and publishes.
func (a *archive) change(do func(tx *apt.Transaction) error) *apt.Result {
	a.t.Helper()
	a.later()
	tx := a.begin()
	defer tx.Close()
	if err := do(tx); err != nil {
		a.t.Fatal(err)
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

// refused runs a transaction that must fail, with an error that says what.
func (a *archive) refused(want string, do func(tx *apt.Transaction) error) {
	a.t.Helper()
	tx := a.begin()
	defer tx.Close()
	err := do(tx)
	if err == nil {
		_, err = tx.Publish(a.t.Context(), a.options())
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		a.t.Errorf("got %v, want %s", err, want)
	}
}

// collect removes garbage, and returns the names of the files.
func (a *archive) collect() string {
	a.t.Helper()
	tx := a.begin()
	defer tx.Close()
	garbage, err := tx.CollectGarbage(a.t.Context(), apt.GarbageOptions{})
	if err != nil {
		a.t.Fatal(err)
	}
	var names []string
	for _, g := range garbage {
		names = append(names, filepath.Base(g.Path))
	}
	return strings.Join(names, " ")
}

func selector(t testing.TB, text string) apt.Selector {
	t.Helper()
	s, err := apt.ParseSelector(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSnapshotAndRollback brings two suites back to what they were, with packages that only the snapshot still needed.
func TestSnapshotAndRollback(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.def = definition(t, append([]string{"generations: 5", "generations: 3"}, twoArchs...)...)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"), newDeb(t, "kubeadm", "1.36.1-1.1", "arm64"), newDeb(t, "docs", "1-1", "all"))
	wantIndex, want := a.read("dists/stable/main/binary-amd64/Packages"), a.versions("stable")
	kept := a.keep("before")
	if got := fmt.Sprint(kept); got != fmt.Sprintf("&{before [{stable %s 3} {v1.36 %s 3}]}", epoch, epoch) {
		t.Errorf("kept %s", got)
	}
	for i := range 6 { // more publishings than there are generations
		a.change(func(tx *apt.Transaction) error {
			if i == 0 {
				if _, err := tx.Remove(t.Context(), apt.RemoveOptions{Suite: "stable", Selector: selector(t, "kubeadm")}); err != nil {
					return err
				}
				if _, err := tx.Remove(t.Context(), apt.RemoveOptions{Suite: "v1.36", Selector: selector(t, "kubeadm:arm64")}); err != nil {
					return err
				}
			}
			_, err := tx.Add(t.Context(), []string{newDeb(t, "kubeadm", fmt.Sprintf("1.36.2-%d", i), "amd64"), newDeb(t, "kubectl", fmt.Sprintf("1.36.2-%d", i), "arm64")}, apt.AddOptions{Suites: all})
			return err
		})
	}
	a.mustVerify()
	if garbage := a.collect(); garbage != "" {
		t.Errorf("collected %s, which the snapshot needs", garbage)
	}
	var changes map[string][]apt.Change
	result := a.change(func(tx *apt.Transaction) (err error) {
		changes, err = tx.Rollback(t.Context(), apt.RollbackOptions{Snapshot: "before"})
		return err
	})
	for i, s := range result.Suites {
		if s.Suite != all[i] || !s.Published || s.Date != a.now {
			t.Errorf("got %+v", s)
		}
	}
	if got := a.read("dists/stable/main/binary-amd64/Packages"); got != wantIndex {
		t.Errorf("after the rollback the index is\n%s\nbefore it was\n%s", got, wantIndex)
	}
	if got := a.versions("stable"); got != want || got != a.versions("v1.36") {
		t.Errorf("clients see %s", got)
	}
	if n := len(changes["stable"]); n != 13 || changes["stable"][0].Kind != apt.ChangeAdded || strings.Join(changes["stable"][0].Architectures, " ") != "amd64 arm64" {
		t.Errorf("%d changes: %+v", n, changes["stable"])
	}
	a.mustVerify()
	tx := a.begin()
	defer tx.Close()
	if err := tx.RemoveSnapshot(t.Context(), apt.RemoveSnapshotOptions{Name: "before", DryRun: true}); err != nil {
		t.Fatal(err)
	}
	if err := tx.RemoveSnapshot(t.Context(), apt.RemoveSnapshotOptions{Name: "before"}); err != nil {
		t.Fatal(err)
	}
	if err := tx.RemoveSnapshot(t.Context(), apt.RemoveSnapshotOptions{Name: "before"}); err == nil {
		t.Error("removed twice")
	}
	if kept, err := apt.Snapshots(t.Context(), apt.Options{Root: a.root, Definition: a.def}); err != nil || len(kept) != 0 {
		t.Errorf("left %v, %v", kept, err)
	}
}

// TestSnapshotKeepsThePool removes a package everywhere: its file goes when the snapshot has gone, not before.
func TestSnapshotKeepsThePool(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.def = definition(t, append([]string{"generations: 5", "generations: 3"}, oneArch...)...)
	a.publish([]string{"stable"}, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	a.keep("first")
	for i := range 4 {
		a.change(func(tx *apt.Transaction) error {
			if _, err := tx.Remove(t.Context(), apt.RemoveOptions{Suite: "stable", Selector: selector(t, "kubeadm (= 1.36.1-1.1)")}); err != nil {
				return err
			}
			_, err := tx.Add(t.Context(), []string{newDeb(t, "kubeadm", fmt.Sprintf("1.36.2-%d", i), "amd64")}, apt.AddOptions{Suites: []string{"stable"}})
			return err
		})
	}
	if got := a.collect(); got != "" {
		t.Errorf("collected %s", got)
	}
	tx := a.begin()
	if err := errors.Join(tx.RemoveSnapshot(t.Context(), apt.RemoveSnapshotOptions{Name: "first"}), tx.Close()); err != nil {
		t.Fatal(err)
	}
	if got := a.collect(); got != "kubeadm_1.36.1-1.1_amd64.deb" {
		t.Errorf("collected %q", got)
	}
	a.mustVerify()
}

func TestSnapshotRefuses(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	take := func(name string, suites ...string) func(*apt.Transaction) error {
		return func(tx *apt.Transaction) error {
			_, err := tx.Snapshot(t.Context(), apt.SnapshotOptions{Name: name, Suites: suites})
			return err
		}
	}
	a.refused("no suite is published", take("x"))
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	a.keep("x")
	a.refused("snapshot x: there is one of that name", take("x"))
	a.refused(`name "../x": character '.'`, take("../x"))
	a.refused("suite unstable: not published", take("y", "unstable"))
	a.refused("snapshot z: the archive has none of that name", func(tx *apt.Transaction) error {
		_, err := tx.Rollback(t.Context(), apt.RollbackOptions{Snapshot: "z"})
		return err
	})
	a.refused("snapshot x: has no suite unstable", func(tx *apt.Transaction) error {
		_, err := tx.Rollback(t.Context(), apt.RollbackOptions{Snapshot: "x", Suites: []string{"unstable"}})
		return err
	})
	if err := os.WriteFile(filepath.Join(a.root, "dists/stable/main/binary-amd64/Packages.gz"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	a.refused("Packages.gz: not as InRelease says", take("y"))
}

// TestRollbackRefuses what someone else put into a snapshot, and what the pool no longer has.
func TestRollbackRefuses(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish([]string{"stable"}, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	back := func(tx *apt.Transaction) error {
		_, err := tx.Rollback(t.Context(), apt.RollbackOptions{Snapshot: "before"})
		return err
	}
	a.keep("before")
	a.change(func(tx *apt.Transaction) error {
		if _, err := tx.Remove(t.Context(), apt.RemoveOptions{Suite: "stable", Selector: selector(t, "kubeadm")}); err != nil {
			return err
		}
		_, err := tx.Add(t.Context(), []string{newDeb(t, "kubeadm", "1.36.2-1.1", "amd64")}, apt.AddOptions{Suites: []string{"stable"}})
		return err
	})
	pooled := filepath.Join(a.root, "pool/main/k/kubeadm/kubeadm_1.36.1-1.1_amd64.deb")
	if err := os.Rename(pooled, pooled+".away"); err != nil {
		t.Fatal(err)
	}
	a.refused("kubeadm_1.36.1-1.1_amd64.deb: not in the pool as it was", back)
	if err := os.Rename(pooled+".away", pooled); err != nil {
		t.Fatal(err)
	}
	other := newKey(t, 7)
	mine := a.key
	a.key = other
	a.refused("InRelease on disk", back)
	a.key = mine
	a.change(back)
	if got := a.versions("stable"); got != "kubeadm 1.36.1-1.1 [amd64]" {
		t.Errorf("clients see %s", got)
	}
	a.mustVerify()
}

// TestVerifyFindsInSnapshots damages what a snapshot keeps.
func TestVerifyFindsInSnapshots(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish([]string{"stable"}, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	a.keep("before")
	a.change(func(tx *apt.Transaction) error {
		_, err := tx.Remove(t.Context(), apt.RemoveOptions{Suite: "stable", Selector: selector(t, "kubeadm")})
		return err
	})
	if report := a.verify(); len(report.Findings) > 0 || report.Snapshots != 1 || report.Packages != 1 {
		t.Fatalf("got %+v", report)
	}
	dir := "snapshots/before/dists/stable/"
	release, err := apt.ParseRelease([]byte(a.read(dir + "Release")))
	if err != nil {
		t.Fatal(err)
	}
	listed, _ := release.File("main/binary-amd64/Packages")
	index := dir + "main/binary-amd64/by-hash/SHA256/" + listed.SHA256
	for _, c := range []struct{ file, want string }{
		{index, "its contents are not those of its name"},
		{dir + "InRelease", "not a clearsigned file"},
		{dir + "Release", "is not the text of InRelease"},
		{"pool/main/k/kubeadm/kubeadm_1.36.1-1.1_amd64.deb", "its size is not what snapshots/before/dists/stable/main/binary-amd64/by-hash/"},
	} {
		damaged := *a
		damaged.root = copyTree(t, a.root)
		if err := os.WriteFile(filepath.Join(damaged.root, c.file), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		if f := damaged.verify().Findings; len(f) != 1 || f[0].Path != c.file || !strings.HasPrefix(f[0].Problem, c.want) {
			t.Errorf("%s: found %+v", c.file, f)
		}
	}
	// A key that has ended since was good when it signed.
	report, err := apt.Verify(t.Context(), apt.VerifyOptions{Root: a.root, Keyring: []*openpgp.Certificate{a.key.Public()}, Now: epoch.AddDate(9, 0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		if strings.HasPrefix(f.Path, "snapshots/") {
			t.Errorf("found %+v", f)
		}
	}
}

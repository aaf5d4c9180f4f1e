package apt_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"kubedist/pkg/apt"
)

// TestSourceOperations copies, compares, keeps and brings back source packages.
func TestSourceOperations(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.def = definition(t, append([]string{"generations: 5", "generations: 3"}, oneArch...)...)
	add := func(version string) {
		a.t.Helper()
		a.change(func(tx *apt.Transaction) error {
			dsc := newDSC(t, "tool", version, map[string]string{"tool_" + version + ".tar.xz": "source of " + version})
			_, err := tx.AddSources(t.Context(), []string{dsc}, apt.AddOptions{Suites: []string{"unstable"}})
			return err
		})
	}
	add("1-1")
	a.change(a.copying("unstable", "stable", "tool"))
	if got := a.versions("stable"); got != "tool 1-1 [source]" {
		t.Errorf("clients see %s", got)
	}
	a.keep("before")
	remove := func(tx *apt.Transaction) error {
		for _, suite := range []string{"stable", "unstable"} {
			if _, err := tx.Remove(t.Context(), apt.RemoveOptions{Suite: suite, Selector: selector(t, "tool (= 1-1)")}); err != nil {
				return err
			}
		}
		return nil
	}
	a.later()
	tx := a.begin()
	if err := remove(tx); err != nil {
		t.Fatal(err)
	}
	v, err := tx.Preview(t.Context(), a.options())
	if err != nil || fmt.Sprint(v.Suites[0].Packages) != "[{removed main tool 1-1 [source]}]" {
		t.Errorf("got %+v, %v", v, err)
	}
	if err := tx.Close(); err != nil {
		t.Fatal(err)
	}
	a.change(remove)
	for i := range 4 {
		add(fmt.Sprintf("2-%d", i))
		a.change(a.copying("unstable", "stable"))
	}
	changes, err := apt.Diff(t.Context(), apt.Options{Root: a.root, Definition: a.def}, reference(t, "stable@before"), reference(t, "stable"))
	if got := fmt.Sprint(changes); err != nil || !strings.HasPrefix(got, "[{removed main tool 1-1 [source]} {added main tool 2-0 [source]}") || len(changes) != 5 {
		t.Errorf("got %s, %v", got, err)
	}
	if got := a.collect(); got != "" {
		t.Errorf("collected %s, which the snapshot needs", got)
	}
	a.change(func(tx *apt.Transaction) error {
		rolled, err := tx.Rollback(t.Context(), apt.RollbackOptions{Snapshot: "before"})
		if len(rolled["stable"]) != 5 || len(rolled["unstable"]) != 5 {
			t.Errorf("rolled back %v", rolled)
		}
		return err
	})
	if got := a.versions("stable"); got != "tool 1-1 [source]" {
		t.Errorf("clients see %s", got)
	}
	if kept, err := apt.Snapshots(t.Context(), apt.Options{Root: a.root, Definition: a.def}); err != nil || kept[0].Suites[0].Packages != 1 {
		t.Errorf("got %+v, %v", kept, err)
	}
	a.mustVerify()
	tx = a.begin()
	if err := errors.Join(tx.RemoveSnapshot(t.Context(), apt.RemoveSnapshotOptions{Name: "before"}), tx.Close()); err != nil {
		t.Fatal(err)
	}
	a.mustVerify()
}

package release

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"kubedist/pkg/apt"
	"kubedist/pkg/deb"
)

// TestRefusedBeforeCompiling selects kubelet without what it needs: that is refused before anything is compiled.
func TestRefusedBeforeCompiling(t *testing.T) {
	t.Parallel()
	o := smallRelease(t, newKey(t), "linux/amd64", "linux/arm64")
	o.Selection.Packages = []string{"kubelet"}
	refused := func(o Options) []*apt.Problem {
		t.Helper()
		_, err := Run(t.Context(), o)
		var all *apt.RefusedError
		if !errors.As(err, &all) {
			t.Fatalf("got %v", err)
		}
		if _, err := os.Stat(filepath.Join(o.Dir(), "bin")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("something was compiled: %v", err)
		}
		if _, err := os.Stat(o.Archive.Root); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the archive was made: %v", err)
		}
		return all.Problems
	}
	const want = "dependency: suites v1.36, stable, latest, unstable: kubelet 1.36.3-1.1 (amd64 arm64): field Depends: neither the suite nor the distribution has kubernetes-cni (>= 1.2.0)"
	if got := refused(o); len(got) != 1 || got[0].Error() != want {
		t.Errorf("got %v, want %s", got, want)
	}
	// Another reason, which the plan does not know of either until it is asked.
	o.Archive.Override = []apt.Refusal{apt.RefuseDependency}
	o.Archive.NotAfter = epoch.AddDate(0, 0, -1)
	if got := refused(o); len(got) != 1 || got[0].Refusal != apt.RefuseFutureDate {
		t.Errorf("got %v", got)
	}
}

// TestPlannedControl compares the control paragraphs that are planned with those of the packages that are made.
func TestPlannedControl(t *testing.T) {
	t.Parallel()
	o := smallRelease(t, newKey(t), "linux/arm64")
	o.Selection.Until = Debs
	mustRun(t, o)
	r, err := prepare(t.Context(), &o)
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, p := range r.plan.Platforms {
		for _, pkg := range p.Packages {
			planned, err := deb.Outline(t.Context(), r.described(pkg), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(filepath.Join(o.Dir(), "debs", pkg.File()))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			made, err := deb.Read(t.Context(), f, deb.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			control := planned.Control
			control.Set("Installed-Size", made.Control.Get("Installed-Size"))
			for _, field := range made.Control {
				if got := control.Get(field.Name); got != field.Value {
					t.Errorf("%s: field %s is %q, planned as %q", pkg.File(), field.Name, field.Value, got)
				}
			}
			if len(control) != len(made.Control) {
				t.Errorf("%s: planned\n%v\nmade\n%v", pkg.File(), control, made.Control)
			}
			compared++
		}
	}
	if compared == 0 {
		t.Error("nothing was compared")
	}
}

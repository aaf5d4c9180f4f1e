package apt_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"kubedist/pkg/apt"
)

// TestPreview tells what a publishing would do, changes nothing, and lets it be done.
func TestPreview(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	a.later()
	a.def = definition(t, append([]string{`minors: 4}`, `minors: 4, description: Tested}`}, twoArchs...)...)
	before := snapshot(t, a.root)
	tx := a.begin()
	defer tx.Close()
	if _, err := tx.Snapshot(t.Context(), apt.SnapshotOptions{Name: "before"}); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Remove(t.Context(), apt.RemoveOptions{Suite: "v1.36", Selector: selector(t, "kubeadm")}); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Add(t.Context(), []string{newDeb(t, "kubeadm", "1.36.2-1.1", "amd64")}, apt.AddOptions{Suites: []string{"v1.36"}}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // as often as one likes
		v, err := tx.Preview(t.Context(), a.options())
		if err != nil {
			t.Fatal(err)
		}
		if len(v.Suites) != 2 || len(v.Pool) != 1 || !strings.HasSuffix(v.Pool[0].Path, "/kubeadm_1.36.2-1.1_amd64.deb") || fmt.Sprint(v.Snapshots) != "[before]" || len(v.Files) != 0 {
			t.Fatalf("got %+v", v)
		}
		if s := v.Suites[0]; s.Suite != "v1.36" || s.Reason != "content changed" || len(s.Fields) != 0 ||
			fmt.Sprint(s.Packages) != "[{removed main kubeadm 1.36.1-1.1 [amd64]} {added main kubeadm 1.36.2-1.1 [amd64]}]" ||
			!strings.HasPrefix(fmt.Sprint(s.Files), "[main/binary-amd64/Packages ") {
			t.Errorf("got %+v", s)
		}
		if s := v.Suites[1]; s.Suite != "stable" || s.Reason != "definition changed" || len(s.Packages) != 0 ||
			fmt.Sprint(s.Fields) != "[{Description Kubernetes packages for Debian and its derivatives Tested}]" {
			t.Errorf("got %+v", s)
		}
	}
	for name, was := range snapshot(t, a.root) {
		if before[name] != was {
			t.Errorf("%s: changed", name)
		}
	}
	if _, err := tx.Publish(t.Context(), a.options()); err != nil {
		t.Fatal(err)
	}
	a.mustVerify()
	if got := a.versions("v1.36"); got != "kubeadm 1.36.2-1.1 [amd64]" {
		t.Errorf("clients see %s", got)
	}
}

func TestPreviewOfRefused(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	tx := a.begin()
	defer tx.Close()
	if _, err := tx.Add(t.Context(), []string{newDeb(t, "kubeadm", "1.36.2-1.1", "amd64", "Depends: kubelet")}, apt.AddOptions{Suites: all}); err != nil {
		t.Fatal(err)
	}
	v, err := tx.Preview(t.Context(), a.options())
	var refused *apt.RefusedError
	if !errors.As(err, &refused) || v == nil || len(v.Refusals) != 1 || len(v.Suites) != 2 || len(v.Files) != 4 {
		t.Errorf("got %+v, %v", v, err)
	}
}

package apt_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/apt"
	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
)

// weakSigner is a signer that does not know what apt takes, as gpg does not.
type weakSigner struct {
	*openpgp.Key
	cert *openpgp.Certificate
}

func (s weakSigner) Public() *openpgp.Certificate { return s.cert }
func (s weakSigner) Fingerprint() string          { return s.cert.Fingerprint() }

func certificate(t *testing.T, file string) *openpgp.Certificate {
	t.Helper()
	data, err := openpgp.ReadKeyFile(file)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := openpgp.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return keys[0].Public()
}

// TestRefusals meets every refusal of Publish: it is an error that has its name and changes nothing, no other override
// helps, and its own lets everything through with a warning. A rehearsal says the same beforehand.
func TestRefusals(t *testing.T) {
	t.Parallel()
	short, err := openpgp.Generate(t.Context(), openpgp.GenerateOptions{Name: "Short", Created: epoch.AddDate(-1, 0, 0), Lifetime: 400 * 24 * time.Hour, Rand: seed(7)})
	if err != nil {
		t.Fatal(err)
	}
	weak := weakSigner{Key: newKey(t, 1), cert: certificate(t, "../openpgp/testdata/gpg-rsa1024.asc")}
	known := []*openpgp.Certificate{newKey(t, 1).Public()}
	for _, c := range []struct {
		refusal apt.Refusal
		change  func(*archive, *apt.PublishOptions)
		debs    []string
		want    string
	}{
		{apt.RefuseDependency, nil, []string{newDeb(t, "kubelet", "1.36.3-1.1", "amd64", "Depends: kubernetes-cni")},
			"dependency: suites v1.36, stable: kubelet 1.36.3-1.1 (amd64): field Depends: neither the suite nor the distribution has kubernetes-cni"},
		{apt.RefuseArchitecture, nil, []string{newDeb(t, "kubeadm", "1.36.2-1.1", "amd64")},
			"architecture: suites v1.36, stable: kubeadm 1.36.2-1.1: missing for arm64, which have 1.36.1-1.1"},
		{apt.RefuseDrop, func(a *archive, _ *apt.PublishOptions) { a.def = definition(a.t, "[amd64, arm64,", "[amd64,") }, nil,
			"drop: suite v1.36: main/binary-arm64/Packages: has packages"},
		{apt.RefuseIdentity, func(a *archive, _ *apt.PublishOptions) { a.def = definition(a.t, "origin: Kubernetes", "origin: K8s") }, nil,
			`identity: suite v1.36: Origin changes from "Kubernetes" to "K8s"`},
		{apt.RefusePast, func(_ *archive, o *apt.PublishOptions) { o.Signers = []openpgp.Signer{newKey(t, 2)} }, nil,
			"past: suite v1.36: InRelease on disk: clearsigned file: not signed by a known key"},
		{apt.RefuseKey, func(_ *archive, o *apt.PublishOptions) { o.Signers, o.Keyring = []openpgp.Signer{weak}, known }, nil,
			"key: key " + weak.Fingerprint() + ": apt 3 refuses it: "},
		{apt.RefuseKeyExpiry, func(_ *archive, o *apt.PublishOptions) { o.Signers, o.Keyring = []openpgp.Signer{short}, known }, nil,
			"key-expiry: key " + short.Fingerprint() + ": expires on 2026-08-18 09:30 UTC, but is needed until"},
		{apt.RefuseFutureDate, func(_ *archive, o *apt.PublishOptions) {
			o.SignAnew, o.Clock = true, func() time.Time { return epoch.Add(-48 * time.Hour) }
		}, nil, "future-date: date Tue, 14 Jul 2026 10:30:00 UTC: in the future"},
	} {
		t.Run(string(c.refusal), func(t *testing.T) {
			t.Parallel()
			a := newArchive(t)
			a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"), newDeb(t, "kubeadm", "1.36.1-1.1", "arm64"))
			before := snapshot(t, a.root)
			a.now = epoch.Add(time.Hour)
			o := a.options()
			if c.change != nil {
				c.change(a, &o)
			}
			publish := func(override ...apt.Refusal) (*apt.Result, error) {
				tx := a.begin()
				defer tx.Close()
				if len(c.debs) > 0 {
					if _, err := tx.Add(t.Context(), c.debs, apt.AddOptions{Suites: all}); err != nil {
						t.Fatal(err)
					}
				}
				o := o
				o.Override = override
				return tx.Publish(t.Context(), o)
			}
			rehearse := func(override ...apt.Refusal) error {
				o := o
				o.Override = override
				return a.rehearse(all, o, c.debs...)
			}
			var others []apt.Refusal
			for _, r := range apt.Refusals() {
				if r != c.refusal {
					others = append(others, r)
				}
			}
			for _, override := range [][]apt.Refusal{nil, others} {
				_, err := publish(override...)
				var refused *apt.RefusedError
				if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) || hint.Of(err) == "" {
					t.Fatalf("overriding %v: got %v (hint %q), want %q", override, err, hint.Of(err), c.want)
				}
				for _, p := range refused.Problems {
					if p.Refusal != c.refusal {
						t.Errorf("got %v as well", p)
					}
				}
				if rehearsed := rehearse(override...); rehearsed == nil || "publishing: "+rehearsed.Error() != err.Error() || hint.Of(rehearsed) != hint.Of(err) {
					t.Errorf("rehearsing gives %v, and publishing %v", rehearsed, err)
				}
			}
			if err := rehearse(c.refusal); err != nil {
				t.Errorf("rehearsing, overridden: %v", err)
			}
			if !maps.Equal(before, snapshot(t, a.root)) {
				t.Error("the tree changed")
			}
			result, err := publish(c.refusal)
			if err != nil {
				t.Fatalf("overridden: %v", err)
			}
			if warnings := strings.Join(result.Warnings, "\n"); !result.Suites[0].Published || !strings.Contains(warnings, "overridden: "+c.want) || strings.Contains(warnings, "nothing to override") {
				t.Errorf("got %+v", result)
			}
		})
	}
}

// TestDateBounds looks at a clock, or at a time that was taken beforehand.
func TestDateBounds(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) func() time.Time { return func() time.Time { return epoch.Add(d) } }
	for _, c := range []struct {
		name     string
		clock    func() time.Time
		notAfter time.Time
		refused  bool
	}{
		{"no bound", nil, time.Time{}, false},
		{"clock ahead", at(time.Hour), time.Time{}, false},
		{"clock behind", at(-2 * time.Minute), time.Time{}, true},
		{"bound ahead", nil, epoch.Add(time.Hour), false},
		{"bound behind", nil, epoch.Add(-2 * time.Minute), true},
		{"bound a little behind, for which nobody waits", nil, epoch.Add(-50 * time.Second), false},
		{"the clock counts", at(time.Hour), epoch.Add(-time.Hour), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newArchive(t)
			tx := a.begin()
			defer tx.Close()
			if _, err := tx.Add(t.Context(), []string{newDeb(t, "kubeadm", "1.36.1-1.1", "amd64")}, apt.AddOptions{}); err != nil {
				t.Fatal(err)
			}
			o := a.options()
			o.Clock, o.NotAfter = c.clock, c.notAfter
			if _, err := tx.Publish(t.Context(), o); (err != nil) != c.refused {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestRefusalsTogether reports all that is wrong at once, a line each.
func TestRefusalsTogether(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	a.def = definition(t, append([]string{"label: Kubernetes", "label: K8s", "origin: Kubernetes", "origin: K8s"}, twoArchs...)...)
	tx := a.begin()
	defer tx.Close()
	if _, err := tx.Add(t.Context(), []string{newDeb(t, "kubelet", "1.36.3-1.1", "amd64", "Depends: a-one, b-two")}, apt.AddOptions{Suites: []string{"v1.36"}}); err != nil {
		t.Fatal(err)
	}
	_, err := tx.Publish(t.Context(), a.options())
	if err == nil {
		t.Fatal("published")
	}
	for _, want := range []string{"refused:\n", "\n  dependency: suite v1.36: kubelet 1.36.3-1.1 (amd64): field Depends: neither the suite nor the distribution has a-one\n", "has b-two\n", "\n  identity: suite v1.36: Origin", "\n  identity: suite v1.36: Label", "\n  identity: suite stable: Label"} {
		if !strings.Contains(err.Error()+"\n", want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

// TestOverrideOfNothing is worth a warning.
func TestOverrideOfNothing(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.override = []apt.Refusal{apt.RefusePast, apt.RefuseContents}
	result := a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	if got := strings.Join(result.Warnings, "\n"); !strings.Contains(got, "override of past: there was nothing to override\noverride of contents: there was") {
		t.Errorf("got %q", got)
	}
}

// TestOverrideContents replaces a file of the pool when no index lists it any more, and never before.
func TestOverrideContents(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	first := newDeb(t, "kubeadm", "1.36.3-1.1", "amd64")
	second := newDeb(t, "kubeadm", "1.36.3-1.1", "amd64", "Section: admin")
	third := newDeb(t, "kubeadm", "1.36.3-1.1", "amd64", "Section: net")
	a.publish(all, first)
	replace := func(debs ...string) error {
		t.Helper()
		tx := a.begin()
		defer tx.Close()
		o := apt.AddOptions{Suites: all, Override: []apt.Refusal{apt.RefuseContents}}
		if _, err := tx.Add(t.Context(), debs, o); err != nil {
			var p *apt.Problem
			if !errors.As(err, &p) || p.Refusal != apt.RefuseContents || !strings.Contains(hint.Of(err), "higher revision") {
				t.Errorf("got %v (hint %q)", err, hint.Of(err))
			}
			return err
		}
		publish := a.options()
		publish.Override = o.Override
		result, err := tx.Publish(t.Context(), publish)
		if err != nil {
			t.Fatal(err)
		}
		if len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0], "overridden: contents: kubeadm_1.36.3-1.1_amd64.deb: the archive has it with SHA-256") {
			t.Errorf("warnings: %q", result.Warnings)
		}
		return nil
	}
	if replace(second) == nil {
		t.Fatal("replaced a listed file")
	}
	for _, suite := range all {
		tx := a.begin()
		if _, err := tx.Remove(t.Context(), apt.RemoveOptions{Suite: suite, Selector: apt.Selector{Package: "kubeadm"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Publish(t.Context(), a.options()); err != nil {
			t.Fatal(err)
		}
		tx.Close()
	}
	if replace(second) == nil {
		t.Fatal("replaced a file that older indices list")
	}
	for i := range 5 { // push the older indices out of by-hash
		a.publish(all, newDeb(t, "kubectl", fmt.Sprintf("1.36.%d-1.1", i), "amd64"))
	}
	if replace(second, third) == nil {
		t.Fatal("took two files of one version")
	}
	if err := replace(second); err != nil {
		t.Fatal(err)
	}
	pooled, err := os.ReadFile(filepath.Join(a.root, "pool/main/k/kubeadm/kubeadm_1.36.3-1.1_amd64.deb"))
	if err != nil || !strings.Contains(string(pooled), "Section: admin") {
		t.Errorf("the pool has another file: %v", err)
	}
	a.mustVerify()
}

func TestParseRefusal(t *testing.T) {
	t.Parallel()
	for _, r := range apt.Refusals() {
		if got, err := apt.ParseRefusal(string(r)); err != nil || got != r || r.About() == apt.Refusal("x").About() {
			t.Errorf("%s: got %q, %v: %s", r, got, err, r.About())
		}
	}
	for _, name := range []string{"", "all", "Key", "key,past"} {
		if got, err := apt.ParseRefusal(name); err == nil || !strings.Contains(err.Error(), "there are contents, dependency,") {
			t.Errorf("%q: got %q, %v", name, got, err)
		}
	}
}

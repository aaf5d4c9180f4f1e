package apt_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/apt"
	"kubedist/pkg/openpgp"
)

// withKeyring changes the definition in repo/ to one that wants the keyring package.
func withKeyring(t testing.TB, change ...string) *apt.Definition {
	t.Helper()
	return definition(t, append(change, append(twoArchs, "signed-by: /etc/apt/keyrings/", "signed-by: /usr/share/keyrings/", "keyring-package: false\nmaintainer: \"\"",
		"keyring-package: true\nmaintainer: Archive Team <archive@example.org>")...)...)
}

// keyringVersions lists the versions of the keyring package in a suite.
func (a *archive) keyringVersions(suite string) string {
	a.t.Helper()
	return strings.Join(regexp.MustCompile(`kubernetes-archive-keyring [^,]*`).FindAllString(a.versions(suite), -1), ", ")
}

func (a *archive) publishWith(change func(*apt.PublishOptions)) *apt.Result {
	a.t.Helper()
	tx := a.begin()
	defer tx.Close()
	o := a.options()
	change(&o)
	result, err := tx.Publish(a.t.Context(), o)
	if err != nil {
		a.t.Fatal(err)
	}
	return result
}

// The package follows the keys and the definition, and nothing else.
func TestKeyringPackage(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.def = withKeyring(t)
	if result := a.publish(nil); len(result.Suites) != 0 || result.Keyring != "" {
		t.Errorf("an archive without a package gives %+v", result)
	}
	a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.3-1.1", "amd64"))
	const first = "kubernetes-archive-keyring 2025.07.14 [all]" // the day on which the key was made
	if got := a.keyringVersions("v1.36"); got != first {
		t.Fatalf("v1.36 has %q, want %q", got, first)
	}
	a.mustVerify()
	published := func(want ...string) func(*apt.Result) {
		return func(r *apt.Result) {
			t.Helper()
			var got []string
			for _, s := range r.Suites {
				if s.Published {
					got = append(got, s.Suite)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("published %v, want %v", got, want)
			}
		}
	}
	a.now = a.now.Add(time.Hour)
	published()(a.publish(nil))
	published("stable")(a.publish([]string{"stable"}, newDeb(t, "cri-tools", "1.36.0-1.1", "arm64")))
	if got := a.keyringVersions("stable"); got != first {
		t.Errorf("stable, which came later, has %q", got)
	}

	next := newKey(t, 2)
	a.now = a.now.Add(time.Hour)
	announce := func(o *apt.PublishOptions) {
		o.Next, o.KeyringDate = []*openpgp.Certificate{next.Public()}, epoch.Truncate(24*time.Hour)
	}
	published("v1.36", "stable")(a.publishWith(announce))
	const second = first + ", kubernetes-archive-keyring 2026.07.14 [all]"
	if got := a.keyringVersions("v1.36"); got != second || a.keyringVersions("stable") != second {
		t.Errorf("with the next key v1.36 has %q, stable %q", got, a.keyringVersions("stable"))
	}
	if got, want := strings.Join(a.release("v1.36").SignedBy, " "), next.Fingerprint(); !strings.Contains(got, want) || !strings.Contains(got, a.key.Fingerprint()) {
		t.Errorf("Signed-By is %q", got)
	}
	published()(a.publishWith(announce))
	published("v1.36", "stable")(a.publishWith(func(o *apt.PublishOptions) { // both sign, though Signed-By and keyring stay
		announce(o)
		o.Signers, o.Next = append(o.Signers, next), nil
	}))

	// Other contents on the same day, and on the next.
	for _, step := range []struct {
		after     time.Duration
		url, want string
	}{{0, "https://example.org/a", "2026.07.14.1"}, {0, "https://example.org/b", "2026.07.14.2"}, {24 * time.Hour, "https://example.org/c", "2026.07.15"}} {
		a.now = a.now.Add(step.after)
		result := a.publishWith(func(o *apt.PublishOptions) { announce(o); o.URL = step.url })
		if result.Keyring != step.want || !strings.HasSuffix(a.keyringVersions("stable"), "kubernetes-archive-keyring "+step.want+" [all]") {
			t.Errorf("with URL %s the package is %s, and stable has %s; want %s", step.url, result.Keyring, a.keyringVersions("stable"), step.want)
		}
	}
	if deb := a.read("kubernetes-archive-keyring.deb"); deb != a.read("pool/main/k/kubernetes-archive-keyring/kubernetes-archive-keyring_2026.07.15_all.deb") {
		t.Error("the package at the root is not the newest")
	}
	a.mustVerify()
}

// A version that the pool has with other contents, which no index lists, is passed over.
func TestKeyringPackageAfterRemoval(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.def = withKeyring(t)
	a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.3-1.1", "amd64"))
	tx := a.begin()
	defer tx.Close()
	if _, err := tx.Remove(t.Context(), apt.RemoveOptions{Suite: "v1.36", Selector: apt.Selector{Package: "kubernetes-archive-keyring"}}); err != nil {
		t.Fatal(err)
	}
	o := a.options()
	o.URL = "https://example.org/other"
	result, err := tx.Publish(t.Context(), o)
	if err != nil || result.Keyring != "2025.07.14.1" {
		t.Errorf("the new one is %+v, %v", result, err)
	}
}

// What is in it, as dpkg sees it; and the same in two archives.
func TestKeyringPackageContents(t *testing.T) {
	t.Parallel()
	need(t, "dpkg-deb", "gpgv")
	var debs []string
	var a *archive
	for range 2 {
		a = newArchive(t)
		a.def = withKeyring(t)
		a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.3-1.1", "amd64"))
		debs = append(debs, a.read("kubernetes-archive-keyring.deb"))
		a.now = a.now.Add(time.Hour)
	}
	if debs[0] != debs[1] {
		t.Error("two archives have other packages")
	}
	file, root := filepath.Join(a.root, "kubernetes-archive-keyring.deb"), t.TempDir()
	if out, err := exec.Command("dpkg-deb", "--raw-extract", file, root).CombinedOutput(); err != nil {
		t.Fatalf("dpkg-deb: %v\n%s", err, out)
	}
	read := func(name string) []byte {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if !bytes.Equal(read("usr/share/keyrings/kubernetes-archive-keyring.gpg"), []byte(a.read("kubernetes-archive-keyring.gpg"))) {
		t.Error("its keyring is not that of the archive")
	}
	golden(t, "kubernetes-stable.sources", string(read("etc/apt/sources.list.d/kubernetes-stable.sources")))
	var conffiles []string
	for _, s := range a.def.Suites {
		conffiles = append(conffiles, "/etc/apt/sources.list.d/kubernetes-"+s.Name+".sources")
	}
	slices.Sort(conffiles)
	got := strings.Fields(string(read("DEBIAN/conffiles")))
	if slices.Sort(got); !slices.Equal(got, conffiles) {
		t.Errorf("conffiles are %v, want %v", got, conffiles)
	}
}

// The package goes the way of everything else that is published: killed at any change to the disk, the archive is whole
// or becomes so.
func TestKeyringPackageKilledAnywhere(t *testing.T) {
	t.Parallel()
	base := newArchive(t)
	base.def = withKeyring(t, "[gz, zst]", "[gz]", twoArchs[0], "[amd64]")
	base.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	old := base.versions("v1.36")
	next := newKey(t, 2).Public()
	for n := 1; ; n++ {
		a := *base
		a.root = copyTree(t, base.root)
		a.now = epoch.Add(time.Hour)
		tx := a.begin()
		count := tx.FailAt(n, errKilled)
		o := a.options()
		o.Keyring = []*openpgp.Certificate{next}
		o.KeyringDate = epoch
		_, err := tx.Publish(t.Context(), o)
		if err == nil {
			if *count < 20 {
				t.Fatalf("publishing made %d changes to the disk, too few to be true", *count)
			}
			break
		}
		tx.Kill()
		if got := consistent(t, &a); got != old && got != old+", kubernetes-archive-keyring 2026.07.14 [all]" {
			t.Fatalf("killed at change %d: clients see %s", n, got)
		}
		a.publishWith(func(again *apt.PublishOptions) { again.Keyring, again.KeyringDate = o.Keyring, o.KeyringDate })
		a.mustVerify()
		if got := a.keyringVersions("v1.36"); !strings.HasSuffix(got, "2026.07.14 [all]") || t.Failed() {
			t.Fatalf("killed at change %d: afterwards %s", n, got)
		}
	}
}

// A key is told about while there is time: half a year before the day on which it can sign no more.
func TestKeyWarnings(t *testing.T) {
	t.Parallel()
	key := func(n byte, ends time.Duration) *openpgp.Key {
		k, err := openpgp.Generate(t.Context(), openpgp.GenerateOptions{Name: "Archive", Created: epoch.AddDate(-1, 0, 0), Lifetime: epoch.Add(ends).Sub(epoch.AddDate(-1, 0, 0)), Rand: seed(n)})
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	const day = 24 * time.Hour
	for _, test := range []struct {
		name    string
		signers []*openpgp.Key
		next    []*openpgp.Certificate
		want    int
	}{
		{"more than a year left", []*openpgp.Key{key(11, 361*day)}, nil, 0},
		{"half a year left", []*openpgp.Key{key(11, 359*day)}, nil, 1},
		{"one follows", []*openpgp.Key{key(11, 200*day), key(12, 900*day)}, nil, 0},
		{"one is announced", []*openpgp.Key{key(11, 200*day)}, []*openpgp.Certificate{key(12, 900*day).Public()}, 0},
		{"both end", []*openpgp.Key{key(11, 200*day), key(12, 300*day)}, nil, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := newArchive(t)
			a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.3-1.1", "amd64"))
			var keyring []*openpgp.Certificate
			sign := func(o *apt.PublishOptions) {
				o.Signers, o.Next, o.Keyring = nil, test.next, []*openpgp.Certificate{a.key.Public()}
				for _, s := range test.signers {
					o.Signers = append(o.Signers, s)
				}
			}
			for _, s := range test.signers {
				keyring = append(keyring, s.Public())
			}
			for _, what := range []string{"publishing", "publishing nothing"} {
				result := a.publishWith(sign)
				if len(result.Warnings) != test.want || test.want > 0 && !strings.Contains(result.Warnings[0], "kubedist key rotate") {
					t.Errorf("%s warns %q, want %d", what, result.Warnings, test.want)
				}
			}
			report, err := apt.Verify(t.Context(), apt.VerifyOptions{Root: a.root, Keyring: slices.Concat(keyring, test.next), Now: epoch.Add(time.Minute)})
			if err != nil || len(report.Findings) > 0 || len(report.Warnings) != test.want {
				t.Errorf("verify gives %+v, %v; want %d warnings", report, err, test.want)
			}
		})
	}
}

// A key that was extended, or revoked, goes into the keyring as such, whichever export the signer has.
func TestKeyringTakesTheYoungerExport(t *testing.T) {
	t.Parallel()
	key := func(days int) *openpgp.Key {
		k, err := openpgp.Generate(t.Context(), openpgp.GenerateOptions{Name: "Archive", Created: epoch.AddDate(-1, 0, 0), Lifetime: time.Duration(days) * 24 * time.Hour, Rand: seed(7)})
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	for _, test := range []struct{ signer, keyring int }{{400, 2000}, {2000, 400}, {0, 2000}, {400, 0}} {
		a := newArchive(t)
		a.key = key(test.signer)
		tx := a.begin()
		defer tx.Close()
		if _, err := tx.Add(t.Context(), []string{newDeb(t, "kubeadm", "1.36.3-1.1", "amd64")}, apt.AddOptions{Suites: []string{"v1.36"}}); err != nil {
			t.Fatal(err)
		}
		o := a.options()
		o.Keyring = []*openpgp.Certificate{key(test.keyring).Public()}
		result, err := tx.Publish(t.Context(), o)
		if err != nil || len(result.Warnings) > 0 { // 35 days are left of the shorter one, fewer than valid-for
			t.Fatalf("%+v: %v, %v", test, err, result)
		}
		certs, err := openpgp.ParseKeyring([]byte(a.read("kubernetes-archive-keyring.gpg")))
		if err != nil || len(certs) != 1 {
			t.Fatalf("%+v: %d keys, %v", test, len(certs), err)
		}
		if end := certs[0].Expires(); !end.IsZero() && end.Before(epoch.AddDate(2, 0, 0)) {
			t.Errorf("%+v: the keyring's ends on %s", test, end)
		}
	}
}

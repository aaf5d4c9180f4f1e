package apt_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/apt"
	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
)

// withoutStable takes the suite stable out of the definition.
var withoutStable = []string{`- {name: stable, accepts: ">=1.0.0", minors: 4}`, ""}

// inUnnamed are the directories of an archive that unnamedArchive leaves without a name in the definition.
var inUnnamed = []string{"dists/stable", "dists/xenial", flatDir}

// unnamedArchive publishes a suite with an alias and a flat form, and another suite; and then takes all but the first from
// the definition.
func unnamedArchive(t *testing.T) *archive {
	t.Helper()
	a := newArchive(t)
	arch := []string{twoArchs[0], "[amd64]", "[gz, zst]", "[gz]"}
	a.def = definition(t, append([]string{`"~1.36"`, `"~1.36", aliases: [xenial], flat: "` + flatDir + `"`}, arch...)...)
	a.now = epoch.Add(-time.Hour)
	a.publish([]string{"stable"}, newDeb(t, "cri-tools", "1.36.0-1.1", "amd64"))
	a.now = epoch
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	a.def = definition(t, append(slices.Clone(withoutStable), arch...)...)
	return a
}

func (a *archive) withdrawOptions(atOnce ...string) apt.WithdrawOptions {
	return apt.WithdrawOptions{Keyring: []*openpgp.Certificate{a.key.Public()}, Now: a.now, AtOnce: atOnce}
}

// withdraw withdraws, and returns what went and what stayed.
func (a *archive) withdraw(o apt.WithdrawOptions) (gone, stayed []string) {
	a.t.Helper()
	tx := a.begin()
	defer tx.Close()
	all, err := tx.Withdraw(a.t.Context(), o)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, w := range all {
		if w.Stays == "" {
			gone = append(gone, w.Dir)
		} else {
			stayed = append(stayed, w.Dir+": "+w.Stays)
		}
	}
	if err := tx.Close(); err != nil {
		a.t.Fatal(err)
	}
	return gone, stayed
}

// mustBeGone fails unless nothing is left of the directories.
func (a *archive) mustBeGone(dirs ...string) {
	a.t.Helper()
	for _, dir := range dirs {
		if _, err := os.Lstat(filepath.Join(a.root, dir)); err == nil {
			a.t.Errorf("%s: %v is still there", dir, a.walk(dir, ""))
		}
	}
}

// contentsOf lists the files of a tree with what is in them, but not when they were written: an alias shares files with its
// suite, which are dated anew when that drops them. Pages tell of that.
func contentsOf(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for name, file := range snapshot(t, root) {
		if _, data, isFile := strings.Cut(file, " UTC "); isFile && filepath.Base(name) != "index.html" {
			files[name] = data
		}
	}
	return files
}

// TestUnnamedPlacesStay takes an alias, a flat directory and a suite out of the definition. Publishing leaves them as they
// are for as long as clients may use them, and says so.
func TestUnnamedPlacesStay(t *testing.T) {
	t.Parallel()
	a := unnamedArchive(t)
	before := contentsOf(t, a.root)
	a.later()
	result := a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.2-1.1", "amd64"))
	after := contentsOf(t, a.root)
	for i, dir := range inUnnamed {
		want := dir + ": published, but not in the definition: it stays as it is, and clients can use it until 2027-01-10; " +
			"then kubedist repo gc takes it away, or at once: kubedist repo gc --withdraw " + dir
		if len(result.Warnings) != len(inUnnamed) || result.Warnings[i] != want {
			t.Errorf("warnings %q, want %q", result.Warnings, want)
		}
		for name, was := range before {
			if strings.HasPrefix(name, dir+"/") && after[name] != was {
				t.Errorf("%s has changed", name)
			}
		}
	}
	a.mustList()
	a.now = epoch.AddDate(0, 0, 179)
	if gone, stayed := a.withdraw(a.withdrawOptions()); len(gone) > 0 || len(stayed) != 3 {
		t.Errorf("went %q, stayed %q", gone, stayed)
	}
	if garbage := a.collect(); garbage != "" {
		t.Errorf("removed %s, which a suite lists", garbage)
	}
	a.now = epoch.AddDate(0, 0, 181)
	if warnings := a.publish(nil).Warnings; len(warnings) != 3 || !strings.HasSuffix(warnings[0], "dists/stable: published, but not in the definition: it expired on 2027-01-10; take it away with: kubedist repo gc") {
		t.Errorf("warnings %q", warnings)
	}
}

// TestWithdraw takes away what has expired, and what is named.
func TestWithdraw(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		days   int
		atOnce []string
		want   []string
	}{
		"in time":                      {180, nil, inUnnamed},
		"an alias":                     {1, []string{"dists/xenial"}, []string{"dists/xenial"}},
		"a suite and a flat directory": {1, []string{flatDir, "dists/stable"}, []string{"dists/stable", flatDir}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := unnamedArchive(t)
			a.now = epoch.AddDate(0, 0, c.days)
			a.publish(nil)
			before := snapshot(t, a.root)
			o := a.withdrawOptions(c.atOnce...)
			o.DryRun = true
			if gone, _ := a.withdraw(o); !slices.Equal(gone, c.want) || !maps.Equal(before, snapshot(t, a.root)) {
				t.Errorf("a dry run: went %q", gone)
			}
			gone, stayed := a.withdraw(a.withdrawOptions(c.atOnce...))
			if !slices.Equal(gone, c.want) || len(gone)+len(stayed) != 3 {
				t.Errorf("went %q, stayed %q, want %q", gone, stayed, c.want)
			}
			a.mustBeGone(c.want...)
			a.mustVerify()
			a.mustList()
			garbage := ""
			if slices.Contains(c.want, "dists/stable") { // the one package that no other suite has
				garbage = "cri-tools_1.36.0-1.1_amd64.deb"
			}
			if got := a.collect(); got != garbage {
				t.Errorf("removed %q from the pool, want %q", got, garbage)
			}
			a.later()
			if warnings := a.publish(nil).Warnings; len(warnings) != len(stayed) {
				t.Errorf("warnings %q", warnings)
			}
			a.mustVerify()
			a.mustList()
		})
	}
}

// TestWithdrawLeavesOthers: neither a directory that another key signed goes, nor a file that publishing does not write,
// nor what belongs to an archive of another name.
func TestWithdrawLeavesOthers(t *testing.T) {
	t.Parallel()
	other := newArchive(t)
	other.key = newKey(t, 2)
	other.def = definition(t, withFlat...)
	other.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	a := unnamedArchive(t)
	for from, to := range map[string]string{"dists/v1.36": "dists/foreign", flatDir: "someone/else"} {
		if err := os.CopyFS(filepath.Join(a.root, to), os.DirFS(filepath.Join(other.root, from))); err != nil {
			t.Fatal(err)
		}
	}
	const mine = "dists/stable/main/notes.txt"
	if err := os.WriteFile(filepath.Join(a.root, mine), []byte("by hand"), 0o644); err != nil {
		t.Fatal(err)
	}
	a.now = epoch.AddDate(0, 0, 200)
	foreign := len(a.walk("dists/foreign", "")) + len(a.walk("someone/else", ""))
	warnings := strings.Join(a.publish(nil).Warnings, "\n")
	for _, dir := range []string{"dists/foreign", "someone/else"} {
		if want := dir + ": published, but not in the definition: none of the archive's keys that are good has signed it, so it is left alone"; !strings.Contains(warnings, want) {
			t.Errorf("warnings %s\nwant %s", warnings, want)
		}
	}
	if gone, stayed := a.withdraw(a.withdrawOptions()); !slices.Equal(gone, inUnnamed) || len(stayed) != 2 {
		t.Errorf("went %q, stayed %q", gone, stayed)
	}
	if got := len(a.walk("dists/foreign", "")) + len(a.walk("someone/else", "")); got < foreign {
		t.Errorf("%d foreign files are left of %d", got, foreign)
	}
	if got := a.walk("dists/stable", ".txt"); !slices.Equal(got, []string{"main/notes.txt"}) || a.read(mine) != "by hand" {
		t.Errorf("of what was put there by hand there is %q", got)
	}

	a = unnamedArchive(t)
	a.def = definition(t, append([]string{"label: Kubernetes", "label: Tools", "origin: Kubernetes", "origin: Example"}, withoutStable...)...)
	a.now = epoch.AddDate(0, 0, 200)
	if gone, stayed := a.withdraw(a.withdrawOptions()); len(gone) > 0 || !strings.Contains(strings.Join(stayed, "\n"), "dists/stable: it stays, for its Origin (Kubernetes) or Label (Kubernetes) is not that of the definition") {
		t.Errorf("by the definition of another archive: went %q, stayed %q", gone, stayed)
	}
}

// TestWithdrawRefuses names what cannot go.
func TestWithdrawRefuses(t *testing.T) {
	t.Parallel()
	a := unnamedArchive(t)
	before := snapshot(t, a.root)
	stranger := []*openpgp.Certificate{newKey(t, 2).Public()}
	for _, c := range []struct {
		dir     string
		keyring []*openpgp.Certificate
		want    string
	}{
		{"dists/v1.36", nil, "dists/v1.36: not published, or in the archive's definition"},
		{"dists/nowhere", nil, "dists/nowhere: not published, or in the archive's definition"},
		{"stable", nil, "stable: not published, or"},
		{"../outside", nil, "../outside: not published, or"},
		{"dists/stable", stranger, "dists/stable: none of the archive's keys that are good has signed it"},
	} {
		o := a.withdrawOptions(c.dir)
		if c.keyring != nil {
			o.Keyring = c.keyring
		}
		tx := a.begin()
		if _, err := tx.Withdraw(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.want) || hint.Of(err) == "" {
			t.Errorf("%s: got %v (hint %q), want %s", c.dir, err, hint.Of(err), c.want)
		}
		if err := tx.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !maps.Equal(before, snapshot(t, a.root)) {
		t.Error("the tree changed")
	}
}

// TestKilledWithdrawing kills a withdrawal of all kinds of places, and the run that finishes it, at every second change to
// the disk. A client finds each place whole or not at all; the next run leaves all or nothing of them.
func TestKilledWithdrawing(t *testing.T) {
	t.Parallel()
	base := unnamedArchive(t)
	base.now = epoch.Add(time.Hour)
	base.publish(nil)
	journals := 0
	for n := 1; ; n += 2 {
		a := *base
		a.root = copyTree(t, base.root)
		tx := a.begin()
		count := tx.FailAt(n, errKilled)
		_, err := tx.Withdraw(t.Context(), a.withdrawOptions(inUnnamed...))
		if err == nil {
			_, err = tx.CollectGarbage(t.Context(), apt.GarbageOptions{})
		}
		if err == nil {
			if *count < 60 {
				t.Fatalf("withdrawing made %d changes to the disk, too few to be true", *count)
			}
			break
		}
		if !errors.Is(err, errKilled) {
			t.Fatalf("killed at change %d: %v", n, err)
		}
		tx.Kill()
		a.mustFindWhole()
		begun := apt.Journal(a.root)
		if begun {
			// The run that finishes it is killed too, further on each time.
			journals++
			tx, _, err := apt.BeginFailAt(t.Context(), apt.Options{Root: a.root, Definition: a.def}, 2*journals, errKilled)
			if err == nil {
				tx.Kill()
			} else if !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			a.mustFindWhole()
		}
		a.later()
		left := len(a.publish(nil).Warnings)
		if left != 0 && left != len(inUnnamed) || begun && left > 0 {
			t.Errorf("%d places are left (journal %v)", left, begun)
		}
		if left == 0 {
			a.mustBeGone(inUnnamed...)
		}
		a.mustVerify()
		a.mustList()
		if t.Failed() {
			t.Fatalf("killed at change %d", n)
		}
	}
	if journals < 20 {
		t.Errorf("%d runs left a journal, too few to be true", journals)
	}
}

// mustFindWhole fails when a client, which begins with InRelease or, without one, with Release, finds a file missing that
// they name.
func (a *archive) mustFindWhole() {
	a.t.Helper()
	for _, f := range a.verify().Findings {
		switch filepath.Base(f.Path) {
		case "InRelease", "Release.gpg": // while a place goes
			if f.Problem == "missing" {
				continue
			}
		}
		a.t.Errorf("%s: %s", f.Path, f.Problem)
	}
	for _, dir := range inUnnamed {
		data, err := os.ReadFile(filepath.Join(a.root, dir, "Release"))
		if errors.Is(err, os.ErrNotExist) {
			if _, err := os.Lstat(filepath.Join(a.root, dir, "InRelease")); err == nil {
				a.t.Errorf("%s has an InRelease and no Release", dir)
			}
			continue
		}
		if err != nil {
			a.t.Fatal(err)
		}
		r, err := apt.ParseRelease(data)
		if err != nil {
			a.t.Fatal(err)
		}
		for _, f := range r.Files {
			if _, err := os.Lstat(filepath.Join(a.root, dir, f.Path)); err != nil {
				a.t.Errorf("%s names %s, which is not there", dir, f.Path)
			}
		}
	}
}

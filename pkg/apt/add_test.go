package apt_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kubedist/pkg/apt"
	"kubedist/pkg/deb/debtest"
)

func TestAddRefuses(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	there := newDeb(t, "kubeadm", "1.36.3-1.1", "amd64")
	a.publish(all, there)
	before := snapshot(t, a.root)
	other := newDeb(t, "kubeadm", "1.36.3-1.1", "amd64", "Section: other")
	truncated := filepath.Join(t.TempDir(), "kubectl_1.36.3-1.1_amd64.deb")
	if err := os.WriteFile(truncated, debtest.Bytes(t, "kubectl", "1.36.3-1.1", "amd64")[:2000], 0o644); err != nil {
		t.Fatal(err)
	}
	liar := filepath.Join(t.TempDir(), "kubectl_1.36.3-1.1_arm64.deb")
	if err := os.WriteFile(liar, debtest.Bytes(t, "kubectl", "1.36.3-1.1", "amd64"), 0o644); err != nil {
		t.Fatal(err)
	}
	good := newDeb(t, "kubectl", "1.36.3-1.1", "amd64")
	for _, c := range []struct {
		name   string
		debs   []string
		suites []string
		comp   string
		want   []string
	}{
		{"two contents", []string{good, other}, all, "", []string{other, "kubeadm_1.36.3-1.1_amd64.deb: the archive has it with SHA-256 ", digestOf(t, there), digestOf(t, other)}},
		{"two contents at once", []string{good, newDeb(t, "kubectl", "1.36.3-1.1", "amd64", "Section: x")}, all, "", []string{"the archive has it with", digestOf(t, good)}},
		{"an epoch apart", []string{newDeb(t, "kubeadm", "1:1.36.3-1.1", "amd64")}, all, "", []string{"kubeadm_1.36.3-1.1_amd64.deb: the archive has it"}},
		{"truncated", []string{good, truncated}, all, "", []string{truncated, "control.tar", "EOF"}},
		{"name and control differ", []string{liar}, all, "", []string{"architecture is amd64, the file's name says arm64"}},
		{"unknown architecture", []string{newDeb(t, "kubectl", "1.36.3-1.1", "mips")}, all, "", []string{"architecture mips is none of the archive's"}},
		{"another minor", []string{newDeb(t, "kubectl", "1.35.3-1.1", "amd64")}, []string{"v1.36"}, "", []string{"suite v1.36 accepts ~1.36 alone"}},
		{"a pre-release", []string{newDeb(t, "kubectl", "1.36.0~rc.0-1.1", "amd64")}, all, "", []string{"suite v1.36 accepts ~1.36 alone"}},
		{"no Kubernetes version", []string{newDeb(t, "kubectl", "1.36.0.0.1-1", "amd64")}, all, "", []string{"1.36.0.0.1-1 is no version of Kubernetes"}},
		{"unknown suite", []string{good}, []string{"v1.99"}, "", []string{"suite v1.99: not in the archive's definition"}},
		{"no suite", []string{newDeb(t, "cri-tools", "1.36.0-1.1", "amd64")}, nil, "", []string{"the version of cri-tools does not say which suites"}},
		{"unknown component", []string{good}, all, "contrib", []string{"component contrib: not in"}},
		{"a directory", []string{t.TempDir()}, all, "", []string{"not a regular file"}},
		{"nothing there", []string{"/nonexistent.deb"}, all, "", []string{"no such file"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tx := a.begin()
			defer tx.Close()
			_, err := tx.Add(t.Context(), c.debs, apt.AddOptions{Suites: c.suites, Component: c.comp})
			if err == nil {
				t.Fatal("added")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q in it", err, want)
				}
			}
			result, err := tx.Publish(t.Context(), a.options())
			if err != nil || result.Suites[0].Published || len(result.Pool) > 0 {
				t.Errorf("what was refused was published: %+v, %v", result, err)
			}
		})
	}
	if !maps.Equal(before, snapshot(t, a.root)) {
		t.Error("the tree changed")
	}
}

func digestOf(t *testing.T, file string) string {
	t.Helper()
	a := newArchive(t)
	tx := a.begin()
	defer tx.Close()
	added, err := tx.Add(t.Context(), []string{file}, apt.AddOptions{Suites: all})
	if err != nil {
		t.Fatal(err)
	}
	return added[0].SHA256
}

// TestAddByVersion names no suite.
func TestAddByVersion(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(nil, newDeb(t, "kubeadm", "1.36.3-1.1", "amd64"), newDeb(t, "kubeadm", "1.37.0~rc.0-1.1", "amd64"))
	for suite, want := range map[string]string{
		"v1.36": "kubeadm 1.36.3-1.1 [amd64]", "stable": "kubeadm 1.36.3-1.1 [amd64]", "v1.35": "",
		"unstable": "kubeadm 1.36.3-1.1 [amd64], kubeadm 1.37.0~rc.0-1.1 [amd64]",
	} {
		if got := a.versions(suite); got != want {
			t.Errorf("%s: got %s, want %s", suite, got, want)
		}
	}
	a.mustVerify()
}

func TestKeepExisting(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	first := newDeb(t, "kubernetes-cni", "1.9.1-1.1", "amd64")
	a.publish([]string{"v1.36"}, first)
	tx := a.begin()
	defer tx.Close()
	second := newDeb(t, "kubernetes-cni", "1.9.1-1.1", "amd64", "Section: net")
	added, err := tx.Add(t.Context(), []string{second}, apt.AddOptions{Suites: []string{"v1.36", "v1.35"}, KeepExisting: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := added[0]; got.Outcome != apt.OutcomeKept || got.SHA256 != digestOf(t, first) || strings.Join(got.Suites, " ") != "v1.35" || got.Path != second {
		t.Errorf("got %+v", got)
	}
	result, err := tx.Publish(t.Context(), a.options())
	if err != nil || len(result.Pool) != 0 {
		t.Fatalf("got %+v, %v", result, err)
	}
	if a.read("dists/v1.35/main/binary-amd64/Packages") != a.read("dists/v1.36/main/binary-amd64/Packages") {
		t.Error("the suites list different packages")
	}
	a.mustVerify()
}

func TestAddAgain(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	file := newDeb(t, "kubeadm", "1.36.3-1.1", "amd64")
	a.publish([]string{"v1.36"}, file)
	renamed := filepath.Join(t.TempDir(), "download.deb")
	if err := os.WriteFile(renamed, debtest.Bytes(t, "kubeadm", "1.36.3-1.1", "amd64"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, again := range []string{file, renamed} {
		tx := a.begin()
		added, err := tx.Add(t.Context(), []string{again, again}, apt.AddOptions{Suites: all})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []apt.Outcome{apt.OutcomeAdded, apt.OutcomePresent} { // stable does not have it yet
			if added[i].Outcome != want || added[i].Filename != "pool/main/k/kubeadm/kubeadm_1.36.3-1.1_amd64.deb" {
				t.Errorf("got %+v, want it %s", added[i], want)
			}
		}
		if err := tx.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAddRestores puts back a listed package whose file was lost.
func TestAddRestores(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	file := newDeb(t, "kubeadm", "1.36.3-1.1", "amd64")
	a.publish(all, file)
	pooled := filepath.Join(a.root, "pool/main/k/kubeadm/kubeadm_1.36.3-1.1_amd64.deb")
	if err := os.Remove(pooled); err != nil {
		t.Fatal(err)
	}
	if result := a.publish(all, file); len(result.Pool) != 1 || result.Suites[0].Published {
		t.Errorf("got %+v, want the file in the pool and nothing else", result)
	}
	a.mustVerify()
}

// TestOrphan meets files in the pool that no index lists.
func TestOrphan(t *testing.T) {
	t.Parallel()
	good, other := debtest.Bytes(t, "kubeadm", "1.36.3-1.1", "amd64"), debtest.Bytes(t, "kubeadm", "1.36.3-1.1", "amd64", "Section: x")
	for name, c := range map[string]struct {
		orphan []byte
		want   string
	}{
		"the same":          {good, ""},
		"half a file":       {good[:1000], ""},
		"damaged":           {bytes.Repeat([]byte{0}, len(good)), ""},
		"another's content": {other, "the archive has it with SHA-256"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newArchive(t)
			pooled := filepath.Join(a.root, "pool/main/k/kubeadm/kubeadm_1.36.3-1.1_amd64.deb")
			if err := os.MkdirAll(filepath.Dir(pooled), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(pooled, c.orphan, 0o644); err != nil {
				t.Fatal(err)
			}
			tx := a.begin()
			defer tx.Close()
			_, err := tx.Add(t.Context(), []string{newDeb(t, "kubeadm", "1.36.3-1.1", "amd64")}, apt.AddOptions{Suites: all})
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Publish(t.Context(), a.options()); err != nil {
				t.Fatal(err)
			}
			a.mustVerify()
		})
	}
}

func TestRemoveAndCollect(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"), newDeb(t, "kubeadm", "1.36.2-1.1", "amd64"), newDeb(t, "kubeadm", "1.36.2-1.1", "arm64"), newDeb(t, "docs", "1-1", "all"))
	remove := func(suite, what string) int {
		t.Helper()
		selector, err := apt.ParseSelector(what)
		if err != nil {
			t.Fatal(err)
		}
		tx := a.begin()
		defer tx.Close()
		removed, err := tx.Remove(t.Context(), apt.RemoveOptions{Suite: suite, Selector: selector})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Publish(t.Context(), a.options()); err != nil {
			t.Fatal(err)
		}
		a.mustVerify()
		return len(removed)
	}
	collect := func() string {
		t.Helper()
		tx := a.begin()
		defer tx.Close()
		planned, err := tx.CollectGarbage(t.Context(), apt.GarbageOptions{DryRun: true})
		if err != nil {
			t.Fatal(err)
		}
		done, err := tx.CollectGarbage(t.Context(), apt.GarbageOptions{})
		if err != nil || len(done) != len(planned) {
			t.Fatalf("got %v, %v, planned %v", done, err, planned)
		}
		a.mustVerify()
		var names []string
		for _, g := range done {
			names = append(names, filepath.Base(g.Path))
		}
		return strings.Join(names, " ")
	}
	if n := remove("v1.36", "kubeadm (<< 1.36.2)"); n != 1 {
		t.Errorf("removed %d packages, want one", n)
	}
	if n := remove("v1.36", "docs"); n != 1 {
		t.Errorf("removed %d packages, want one: it is the same for all architectures", n)
	}
	remove("stable", "kubeadm:amd64 (<= 1.36.2-1.1)")
	remove("stable", "docs")
	if got := collect(); got != "" {
		t.Errorf("collected %s, which older indices still list", got)
	}
	for i := range 5 { // push the old contents out of by-hash
		a.publish(all, newDeb(t, "kubectl", "1.36."+string(rune('0'+i))+"-1.1", "amd64"), newDeb(t, "kubectl", "1.36."+string(rune('0'+i))+"-1.1", "arm64"))
	}
	if got := collect(); got != "docs_1-1_all.deb kubeadm_1.36.1-1.1_amd64.deb" {
		t.Errorf("collected %q", got)
	}
	if _, err := os.Stat(filepath.Join(a.root, "pool/main/d")); !os.IsNotExist(err) {
		t.Errorf("an empty directory is left: %v", err)
	}
}

func TestParseSelector(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]apt.Selector{
		"kubeadm":                        {Package: "kubeadm"},
		" kubeadm ( << 1.34 ) ":          {Package: "kubeadm", Relation: "<<", Version: "1.34"},
		"kubeadm:arm64 (= 1:1.36.3-1.1)": {Package: "kubeadm", Relation: "=", Version: "1:1.36.3-1.1", Architecture: "arm64"},
		"libc6(>=2.36)":                  {Package: "libc6", Relation: ">=", Version: "2.36"},
	} {
		if got, err := apt.ParseSelector(text); err != nil || got != want {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "K", "kubeadm (1.34)", "kubeadm (< 1.34)", "kubeadm (<< )", "kubeadm (<<", "kubeadm (<< 1.34", "../x", "kubeadm (<< 1/2)"} {
		if got, err := apt.ParseSelector(text); err == nil {
			t.Errorf("%q: got %+v, want an error", text, got)
		}
	}
}

// TestAddMuch adds more text than stays in memory: every paragraph must come back as it was.
func TestAddMuch(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	var files []string
	for i := range 40 {
		name := fmt.Sprintf("package-%02d", (i*7)%40) // not in the order of the index
		files = append(files, newDeb(t, name, "1-1", "amd64", "Comment: "+strings.Repeat(name, 24_000)))
	}
	a.publish([]string{"stable"}, files...)
	a.mustVerify()
	index := a.read("dists/stable/main/binary-amd64/Packages")
	if len(index) < 9<<20 {
		t.Fatalf("%d bytes are too few to leave the memory", len(index))
	}
	for i, paragraph := range strings.Split(index, "\n\n") {
		name := fmt.Sprintf("package-%02d", i)
		if !strings.HasPrefix(paragraph, "Package: "+name+"\n") || !strings.Contains(paragraph, "\nComment: "+strings.Repeat(name, 24_000)+"\n") {
			t.Errorf("paragraph %d is not that of %s: %.60q", i, name, paragraph)
		}
	}
}

package apt_test

import (
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/apt"
)

// mustList fails when a page, ls-lR.gz or the date of a directory is not what a look at the whole tree gives.
func (a *archive) mustList() {
	a.t.Helper()
	wrong, err := apt.CheckListings(a.t.Context(), a.root, a.def)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, w := range wrong {
		a.t.Errorf("listings: %s", w)
	}
}

func (a *archive) remove(suite, relation string) {
	a.t.Helper()
	selector, err := apt.ParseSelector(relation)
	if err != nil {
		a.t.Fatal(err)
	}
	tx := a.begin()
	defer tx.Close()
	if _, err := tx.Remove(a.t.Context(), apt.RemoveOptions{Suite: suite, Selector: selector}); err != nil {
		a.t.Fatal(err)
	}
	if _, err := tx.Publish(a.t.Context(), a.options()); err != nil {
		a.t.Fatal(err)
	}
	if err := tx.Close(); err != nil {
		a.t.Fatal(err)
	}
}

// TestListingsFollow changes an archive in many ways; after each the listings, of which only some were written, are those
// of the whole tree.
func TestListingsFollow(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	for i := range 7 {
		a.now = epoch.AddDate(0, 0, i)
		a.publish(all, newDeb(t, "kubeadm", fmt.Sprintf("1.36.%d-1.1", i), "amd64"))
		a.mustList()
	}
	a.publish([]string{"v1.36"}, newDeb(t, "cri-tools", "1.36.0-1.1", "all"))
	a.mustList()
	a.remove("v1.36", "cri-tools")
	a.mustList()
	for i := range 5 {
		a.publish(all, newDeb(t, "kubectl", fmt.Sprintf("1.36.%d-1.1", i), "amd64"), newDeb(t, "kubectl", fmt.Sprintf("1.36.%d-1.1", i), "arm64"))
	}
	if garbage := a.collect(); garbage != "cri-tools_1.36.0-1.1_all.deb" {
		t.Errorf("removed %s, want the one package that no index lists", garbage)
	}
	a.mustList()
	if _, err := os.Stat(filepath.Join(a.root, "pool/main/c")); !os.IsNotExist(err) {
		t.Errorf("the directories of what was removed are there: %v", err)
	}
	a.mustVerify()
	// Whoever wonders what the pages are without the listings of before, gets them anew.
	if err := os.Remove(filepath.Join(a.root, "ls-lR.gz")); err != nil {
		t.Fatal(err)
	}
	a.publish(nil)
	a.mustList()
}

// TestListingsOfAllPlaces changes what has further names: suites with an alias, a flat form and snapshots, sources and the
// keyring package. Files under several names are dated anew under all of them.
func TestListingsOfAllPlaces(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.def = withKeyring(t, "generations: 5", "generations: 3", "contents: false", "contents: true", "translations: false", "translations: true",
		`"~1.36"`, `"~1.36", aliases: [xenial], flat: "`+flatDir+`"`)
	check := func(what string) {
		t.Helper()
		if a.mustList(); t.Failed() {
			t.Fatal(what)
		}
		a.mustVerify()
	}
	for i := range 3 {
		a.later()
		a.publish([]string{"v1.36", "stable"}, newDeb(t, "kubeadm", fmt.Sprintf("1.36.%d-1.1", i), "amd64", "/usr/bin/kubeadm"))
		a.publishSources(newDSC(t, "kubernetes", fmt.Sprintf("1.36.%d-1", i), map[string]string{fmt.Sprintf("kubernetes_1.36.%d.orig.tar.xz", i): "upstream"}))
		check("published")
		a.keep(fmt.Sprintf("day%d", i))
		check("kept")
	}
	a.change(func(tx *apt.Transaction) error {
		if _, err := tx.Snapshot(t.Context(), apt.SnapshotOptions{Name: "together"}); err != nil {
			return err
		}
		_, err := tx.Remove(t.Context(), apt.RemoveOptions{Suite: "v1.36", Selector: selector(t, "kubeadm (<< 1.36.1)")})
		return err
	})
	check("removed from one suite, and kept")
	for _, name := range []string{"together", "day0", "day2", "day1"} {
		tx := a.begin()
		if err := tx.RemoveSnapshot(t.Context(), apt.RemoveSnapshotOptions{Name: name}); err != nil {
			t.Fatal(err)
		}
		if err := tx.Close(); err != nil {
			t.Fatal(err)
		}
		check("snapshot " + name + " removed")
	}
	if _, err := os.Stat(filepath.Join(a.root, "snapshots")); !os.IsNotExist(err) {
		t.Errorf("the directory of snapshots is there without any: %v", err)
	}
	for i := range 4 {
		a.change(func(tx *apt.Transaction) error {
			if i == 0 {
				_, err := tx.Remove(t.Context(), apt.RemoveOptions{Suite: "stable", Selector: selector(t, "kubeadm (<< 1.36.1)")})
				return err
			}
			_, err := tx.Add(t.Context(), []string{newDeb(t, "kubectl", fmt.Sprintf("1.36.%d-1.1", i), "amd64")}, apt.AddOptions{Suites: []string{"v1.36", "stable"}})
			return err
		})
		check("published again")
	}
	if garbage := a.collect(); !strings.Contains(garbage, "kubeadm_1.36.0-1.1_amd64.deb") {
		t.Errorf("removed %s", garbage)
	}
	check("collected garbage")
}

// TestListingsAfterKill kills a publishing that prunes too, at every fourth change that it makes. TestKilledAnywhere does
// so at every change of one that does not.
func TestListingsAfterKill(t *testing.T) {
	t.Parallel()
	base := newArchive(t)
	base.def = definition(t, "[amd64, arm64, armhf, i386, loong64, ppc64el, riscv64, s390x]", "[amd64]", "[gz, zst]", "[gz]", "generations: 5", "generations: 3")
	for i := range 4 {
		base.publish([]string{"v1.36"}, newDeb(t, "kubeadm", fmt.Sprintf("1.36.%d-1.1", i), "amd64"))
	}
	next := newDeb(t, "kubectl", "1.36.2-1.1", "amd64")
	for n := 1; ; n += 4 {
		a := *base
		a.root = copyTree(t, base.root)
		a.now = epoch.Add(time.Hour)
		tx := a.begin()
		tx.FailAt(n, errKilled)
		_, err := tx.Add(t.Context(), []string{next}, apt.AddOptions{Suites: []string{"v1.36"}})
		if err == nil {
			_, err = tx.Publish(t.Context(), a.options())
		}
		if err == nil {
			a.mustList()
			break
		}
		if !errors.Is(err, errKilled) {
			t.Fatalf("killed at change %d: %v", n, err)
		}
		tx.Kill()
		a.now = a.now.Add(time.Minute)
		if n%8 == 1 {
			a.publish([]string{"v1.36"}, next)
		} else {
			a.publish(nil)
		}
		a.mustList()
		a.mustVerify()
		if t.Failed() {
			t.Fatalf("killed at change %d", n)
		}
	}
}

// TestListingsOff turns the listings off and on again.
func TestListingsOff(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	on := a.def
	a.def = definition(t, append([]string{"listings: true", "listings: false"}, twoArchs...)...)
	for range 2 {
		a.publish(nil)
		a.mustList()
		for name := range snapshot(t, a.root) {
			if strings.HasSuffix(name, "/index.html") || name == "ls-lR.gz" {
				t.Errorf("%s is there still", name)
			}
		}
		if landing := a.read("index.html"); strings.Contains(landing, "ls-lR") || strings.Contains(landing, `href="./dists/"`) {
			t.Error("the landing page leads to listings")
		}
	}
	a.def = on
	a.publish(nil)
	a.mustList()
	a.mustVerify()
}

// TestForeignPage keeps pages that someone else wrote.
func TestForeignPage(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	const own = "<html>my own</html>"
	for _, name := range []string{"index.html", "pool/index.html"} {
		if err := os.WriteFile(filepath.Join(a.root, name), []byte(own), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	result := a.publish(all, newDeb(t, "kubectl", "1.36.1-1.1", "amd64"))
	if len(result.Warnings) != 1 || !strings.HasPrefix(result.Warnings[0], "index.html: was not written by kubedist") {
		t.Errorf("warnings: %q", result.Warnings)
	}
	for _, name := range []string{"index.html", "pool/index.html"} {
		if got := a.read(name); got != own {
			t.Errorf("%s is now %q", name, got)
		}
	}
}

// TestNewContentsNewDate replaces files within the second of their date. rsync would not see that they are others.
func TestNewContentsNewDate(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	contents := map[string]map[time.Time]string{}
	for i := range 4 {
		a.publish(all, newDeb(t, "kubeadm", fmt.Sprintf("1.36.%d-1.1", i), "amd64"))
		if i == 2 {
			a.remove("v1.36", "kubeadm (= 1.36.1-1.1)")
			a.collect()
		}
		for name, text := range snapshot(t, a.root) {
			info, err := os.Stat(filepath.Join(a.root, name))
			if err != nil {
				t.Fatal(err)
			}
			if info.IsDir() || strings.Contains(name, "by-hash") {
				continue
			}
			if contents[name] == nil {
				contents[name] = map[time.Time]string{}
			}
			if old, found := contents[name][info.ModTime()]; found && old != text {
				t.Errorf("%s: has other contents, and is dated %s as before", name, info.ModTime().UTC())
			}
			contents[name][info.ModTime()] = text
		}
	}
	for _, name := range []string{"index.html", "ls-lR.gz", "project/trace/apt.example.org", "pool/main/k/kubeadm/index.html"} {
		if len(contents[name]) < 4 {
			t.Errorf("%s has had %d contents, too few for the test to mean much", name, len(contents[name]))
		}
	}
}

func TestTrace(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	want := `Tue Jul 14 09:30:00 UTC 2026
Date: Tue, 14 Jul 2026 09:30:00 +0000
Date-Started: Tue, 14 Jul 2026 09:30:00 +0000
Archive serial: 20260714093000
Creator: kubedist
Running on host: apt.example.org
Architectures: all amd64 arm64
`
	if got := a.read("project/trace/apt.example.org"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	a.publish([]string{"stable"}, newDeb(t, "kubeadm", "1.36.2-1.1", "amd64"))
	if got := a.read("project/trace/apt.example.org"); !strings.Contains(got, "serial: 20260714093001\n") {
		t.Errorf("after another publishing it is\n%s", got)
	}
}

// href finds the links of a page.
var href = regexp.MustCompile(`href="([^"]+)"`)

// TestEveryLink follows all links from the landing page on, as a visitor of a static host can. Each leads to a file, and
// every file can be reached.
func TestEveryLink(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	for i := range 3 {
		a.publish(all, newDeb(t, "kubeadm", fmt.Sprintf("1.36.%d+x~y-1.1", i), "amd64"), newDeb(t, "docs", fmt.Sprintf("1:2.%d-1", i), "all"))
	}
	base := a.serve()
	seen := map[string]bool{"/": true}
	for queue := []string{"/"}; len(queue) > 0; queue = queue[1:] {
		body, kind := get(t, base+queue[0])
		if !strings.HasPrefix(kind, "text/html") {
			continue
		}
		for _, m := range href.FindAllStringSubmatch(body, -1) {
			link, err := url.Parse(html.UnescapeString(m[1]))
			if err != nil {
				t.Errorf("%s: %v", queue[0], err)
				continue
			}
			if link.Scheme != "" || link.Path == "" {
				continue
			}
			from := &url.URL{Path: queue[0]}
			if to := from.ResolveReference(link).EscapedPath(); !seen[to] {
				seen[to] = true
				queue = append(queue, to)
			}
		}
	}
	for name := range snapshot(t, a.root) {
		if info, err := os.Stat(filepath.Join(a.root, name)); err == nil && !info.IsDir() && filepath.Base(name) != "index.html" {
			if !seen[(&url.URL{Path: "/" + name}).EscapedPath()] {
				t.Errorf("no link leads to %s", name)
			}
		}
	}
}

func get(t *testing.T, address string) (body, kind string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %s, %v", address, resp.Status, err)
	}
	return string(data), resp.Header.Get("Content-Type")
}

// TestServesPages asks for directories as browsers do.
func TestServesPages(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	root, err := os.OpenRoot(a.root)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	handler := apt.Handler(root)
	for path, want := range map[string]struct {
		status          int
		location, cache string
	}{
		"/":                          {200, "", "public, max-age=60"},
		"/pool/":                     {200, "", "public, max-age=60"},
		"/pool/main":                 {301, "./main/", ""},
		"//dists":                    {301, "./dists/", ""},
		"/index.html":                {200, "", "public, max-age=60"},
		"/.kubedist/":                {404, "", ""},
		"/dists/v1.36/nothing/":      {404, "", ""},
		"/dists/v1.36/InRelease/":    {404, "", ""},
		"/pool/main/k/kubeadm/x.deb": {404, "", ""},
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
		if w.Code != want.status || w.Header().Get("Location") != want.location || w.Header().Get("Cache-Control") != want.cache {
			t.Errorf("%s: got %d %v", path, w.Code, w.Header())
		}
		if w.Code == 200 && w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s is a %s", path, w.Header().Get("Content-Type"))
		}
	}
}

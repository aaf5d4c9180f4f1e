package apt_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kubedist/pkg/apt"
)

// walk lists the files below a directory of the archive whose path holds the text.
func (a *archive) walk(dir, text string) []string {
	a.t.Helper()
	var found []string
	for name := range snapshot(a.t, filepath.Join(a.root, dir)) {
		if strings.Contains(name, text) {
			found = append(found, name)
		}
	}
	return found
}

// TestPruneWhatIsNoLongerListed takes a compression and an architecture away. Canonical names go at once, contents stay
// for their generations, in directories too in which nothing is listed any more.
func TestPruneWhatIsNoLongerListed(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	full := definition(t, append([]string{"generations: 5", "generations: 3"}, twoArchs...)...)
	a.def = full
	a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.0-1.1", "amd64"))
	a.def = definition(t, "generations: 5", "generations: 3", "[gz, zst]", "[gz]", twoArchs[0], "[amd64]")
	for i, version := range []string{"1.36.1-1.1", "1.36.2-1.1", "1.36.3-1.1", "1.36.4-1.1"} {
		a.now = a.now.AddDate(0, 0, 1)
		a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", version, "amd64"))
		if got := a.walk("dists/v1.36", "Packages.zst"); len(got) > 0 {
			t.Errorf("%s: %v is still there", version, got)
		}
		if _, err := os.Stat(filepath.Join(a.root, "dists/v1.36/main/binary-arm64/Packages")); err == nil {
			t.Errorf("%s: the index of a dropped architecture is still there", version)
		}
		if got, want := len(a.walk("dists/v1.36", "binary-arm64/by-hash/SHA256/")) > 0, true; i == 0 && got != want {
			t.Errorf("%s: contents of the dropped architecture are there: %v, want %v", version, got, want)
		}
		a.mustVerify()
	}
}

// TestSplitForm takes names apart.
func TestSplitForm(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]string{
		"main/binary-amd64/Packages":     {"main/binary-amd64/Packages", ""},
		"main/binary-amd64/Packages.zst": {"main/binary-amd64/Packages", "zst"},
		"main/Contents-amd64.gz":         {"main/Contents-amd64", "gz"},
		"main/i18n/Translation-en.xz":    {"main/i18n/Translation-en", "xz"},
		"main/i18n/Translation-en.bz2":   {"main/i18n/Translation-en.bz2", ""},
	} {
		if plain, compression := apt.SplitForm(name); plain != want[0] || compression != want[1] {
			t.Errorf("%s: got %s and %q", name, plain, compression)
		}
	}
}

package deb_test

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"kubedist/pkg/deb"
)

// ordered holds versions from early to late; those on one line are equal.
var ordered = [][]string{
	{"0~~"}, {"0~~a"}, {"0~"}, {"0", "00", "0:0", "0-0", "00-00"}, {"0a"}, {"0+"},
	{"1.34.9-1.1"}, {"1.36.0~alpha.1-1.1"}, {"1.36.0~alpha.2-1.1"}, {"1.36.0~alpha.10-1.1"}, {"1.36.0~rc.0-1.1"},
	{"1.36.0"}, {"1.36.0-1"}, {"1.36.0-1.1~bpo"}, {"1.36.0-1.1", "1.36.0-1.01", "01.36.0-1.1"}, {"1.36.0-1.2"}, {"1.36.0-1.10"},
	{"1.36.0a-1"}, {"1.36.0+b-1"}, {"1.36.0-1-1"}, {"1.36.3-1.1"}, {"1.36.10-1.1"}, {"1.100000000000000000000000000000"}, {"1.100000000000000000000000000001"},
	{"1:0.1"}, {"2:0~"},
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for i, as := range ordered {
		for j, bs := range ordered {
			for _, a := range as {
				for _, b := range bs {
					if got := sign(deb.Compare(a, b)); got != sign(i-j) {
						t.Errorf("Compare(%q, %q) = %d, want %d", a, b, got, sign(i-j))
					}
				}
			}
		}
	}
}

func sign(n int) int { return max(-1, min(1, n)) }

// dpkgOrder asks dpkg which of its relations hold.
func dpkgOrder(t *testing.T, a, b string) int {
	t.Helper()
	for relation, order := range map[string]int{"lt-nl": -1, "eq": 0, "gt-nl": 1} {
		err := exec.Command("dpkg", "--compare-versions", a, relation, b).Run()
		if err == nil {
			return order
		}
	}
	t.Fatalf("dpkg has no order for %q and %q", a, b)
	return 0
}

func TestCompareAsDpkg(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("dpkg"); err != nil {
		t.Skip("dpkg is not installed")
	}
	var flat []string
	for _, same := range ordered {
		flat = append(flat, same...)
	}
	for i := 1; i < len(flat); i++ {
		if got, want := sign(deb.Compare(flat[i-1], flat[i])), dpkgOrder(t, flat[i-1], flat[i]); got != want {
			t.Errorf("Compare(%q, %q) = %d, dpkg says %d", flat[i-1], flat[i], got, want)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		a := randomVersion(random)
		b := a
		for range 1 + random.IntN(2) { // near each other, or the first character decides each time
			at := 1 + random.IntN(len(b))
			b = b[:at] + randomVersion(random)[1:] + b[at:]
		}
		if _, err := deb.ParseVersion(a); err != nil {
			continue
		}
		if _, err := deb.ParseVersion(b); err != nil {
			continue
		}
		if got, want := sign(deb.Compare(a, b)), dpkgOrder(t, a, b); got != want {
			t.Errorf("Compare(%q, %q) = %d, dpkg says %d", a, b, got, want)
		}
	}
}

func randomVersion(random *rand.Rand) string {
	b := []byte{"0123"[random.IntN(4)]}
	for range random.IntN(5) {
		b = append(b, "0019.+~-aBz"[random.IntN(11)])
	}
	return strings.TrimRight(string(b), "-")
}

func TestParseVersion(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]deb.VersionParts{
		"1.36.3-1.1":       {0, "1.36.3", "1.1"},
		"1:2-3-4":          {1, "2-3", "4"},
		"1.36.0~rc.0-1.1":  {0, "1.36.0~rc.0", "1.1"},
		"2147483647:1:2+x": {2147483647, "1:2+x", ""},
	} {
		got, err := deb.ParseVersion(version)
		if err != nil || got != want || got.String() != version {
			t.Errorf("%q: got %+v, %v, want %+v", version, got, err, want)
		}
	}
	for _, version := range []string{"", "-1", "v1.36.3", "1.36.3-", ":1", "a:1", "2147483648:1", "-1:1", "1 2", "1_2", "1/2", "1.0-1_1", "1:", "1\n", "1-1:2-ü"} {
		if got, err := deb.ParseVersion(version); err == nil {
			t.Errorf("%q: got %+v, want an error", version, got)
		}
	}
}

func ExampleVersion() {
	versions := []string{deb.Version("v1.36.0", "1.1"), deb.Version("v1.36.0-rc.0", "1.1"), deb.Version("v1.9.1+build-7", "")}
	slices.SortFunc(versions, deb.Compare)
	fmt.Println(strings.Join(versions, "\n"))
	// Output:
	// 1.9.1+build-7
	// 1.36.0~rc.0-1.1
	// 1.36.0-1.1
}

func FuzzCompare(f *testing.F) {
	f.Add("1:1.0-1", "1.0~rc1", "1.0")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if deb.Compare(a, a) != 0 {
			t.Errorf("%q is not equal to itself", a)
		}
		if sign(deb.Compare(a, b)) != -sign(deb.Compare(b, a)) {
			t.Errorf("%q and %q: order depends on who comes first", a, b)
		}
		if deb.Compare(a, b) <= 0 && deb.Compare(b, c) <= 0 && deb.Compare(a, c) > 0 {
			t.Errorf("%q <= %q <= %q, but the first is after the last", a, b, c)
		}
		if v, err := deb.ParseVersion(a); err == nil && deb.Compare(v.String(), a) != 0 {
			t.Errorf("%q became %q", a, v)
		}
	})
}

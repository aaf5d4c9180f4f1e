package source

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/semver"
)

func TestMajorMinor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ version, major, minor string }{
		{"v1.36.3", "1", "36"},
		{"v1.36.3+build", "1", "36"},
		{"v1.37.0-alpha.1", "1", "37+"},
		{"v1.36.3-5+84c76d1142ea4d", "1", "36+"},
		{"v1.36.3-dirty", "1", "36+"},
		{"v1.9.1", "1", "9"},
	} {
		s := Stamp{Version: c.version}
		if s.Major() != c.major || s.Minor() != c.minor {
			t.Errorf("%s is %s and %s, want %s and %s", c.version, s.Major(), s.Minor(), c.major, c.minor)
		}
	}
}

func TestDescribedVersion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		described string
		dirty     bool
		want      string
	}{
		{"v1.36.3", false, "v1.36.3"},
		{"v1.36.3", true, "v1.36.3-dirty"},
		{"v1.37.0-alpha.1", false, "v1.37.0-alpha.1"},
		{"v1.36.3-5-g84c76d1142ea4d", false, "v1.36.3-5+84c76d1142ea4d"},
		{"v1.36.3-5-g84c76d1142ea4d", true, "v1.36.3-5+84c76d1142ea4d-dirty"},
		{"v1.1.0-alpha.0-6-g84c76d1142ea4d", false, "v1.1.0-alpha.0.6+84c76d1142ea4d"},
		{"vendored", false, ""},
		{"", false, ""},
	} {
		got, err := describedVersion(c.described, c.dirty)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("describedVersion(%q, %t) = %q, %v; want %q", c.described, c.dirty, got, err, c.want)
		}
	}
}

func FuzzDescribedVersion(f *testing.F) {
	f.Add("v1.36.3-5-g84c76d1142ea4d", false)
	f.Add("v1.1.0-alpha.0-6-g84c76d1142ea4d", true)
	f.Fuzz(func(t *testing.T, described string, dirty bool) {
		got, err := describedVersion(described, dirty)
		if err == nil && (!semver.IsValid(got) || dirty != strings.HasSuffix(got, "-dirty") && !strings.HasSuffix(described, "-dirty")) {
			t.Errorf("%q is %q", described, got)
		}
	})
}

func ExampleStamp_Minor() {
	for _, version := range []string{"v1.36.3", "v1.37.0-rc.0"} {
		s := Stamp{Version: version}
		fmt.Println(s.Major(), s.Minor())
	}
	// Output:
	// 1 36
	// 1 37+
}

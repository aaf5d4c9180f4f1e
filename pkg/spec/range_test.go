package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"kubedist/pkg/spec"
)

func parseRange(t *testing.T, s string) spec.Range {
	t.Helper()
	r, err := spec.ParseRange(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRangeContains(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in      string
		holds   string
		outside string
	}{
		{"*", "v0.1.0 v1.36.3 v99.0.0-alpha.1", ""},
		{">=1.32", "v1.32.0-alpha.0 v1.32.0 v1.36.3 v2.0.0", "v1.31.14 v1.31.0-rc.0"},
		{"<1.32", "v1.31.14 v1.5.0", "v1.32.0 v1.32.0-alpha.0"},
		{">=1.30 <1.32", "v1.30.0 v1.31.9 v1.31.99+build", "v1.29.15 v1.32.0-rc.1 v1.32.0"},
		{"<v1.32.3   >=v1.30.1", "v1.30.1-rc.0 v1.32.2", "v1.30.0 v1.32.3-rc.0"},
		{">=1.32.0-rc.1", "v1.32.0-rc.1 v1.32.0", "v1.32.0-rc.0 v1.32.0-beta.2"},
	} {
		r := parseRange(t, test.in)
		for _, version := range strings.Fields(test.holds) {
			if !r.Contains(version) {
				t.Errorf("%q does not hold %s", test.in, version)
			}
		}
		for _, version := range strings.Fields(test.outside) {
			if r.Contains(version) {
				t.Errorf("%q holds %s", test.in, version)
			}
		}
	}
}

func TestRangeOverlaps(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"*", "*", true},
		{"*", ">=1.32", true},
		{"<1.32", ">=1.32", false},
		{"<1.32.0-rc.1", ">=1.32", true},
		{">=1.30 <1.32", ">=1.32 <1.34", false},
		{">=1.30 <1.33", ">=1.32 <1.34", true},
		{">=1.30 <1.40", ">=1.32 <1.34", true},
		{"<1.30", ">=1.31 <1.32", false},
	} {
		a, b := parseRange(t, test.a), parseRange(t, test.b)
		if a.Overlaps(b) != test.want || b.Overlaps(a) != test.want {
			t.Errorf("%q overlaps %q: %t and %t, want %t", test.a, test.b, a.Overlaps(b), b.Overlaps(a), test.want)
		}
	}
}

func TestParseRangeRefuses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":               "empty",
		"  ":             "empty",
		"1.32":           "neither >=VERSION nor <VERSION",
		">1.32":          "neither",
		"<=1.32":         "neither",
		"=1.32":          "neither",
		">= 1.32":        "no version",
		">=1.x":          "no version",
		">=vv1.32":       "no version",
		">=1.32.3.4":     "no version",
		">=1.32 >=1.33":  "two bounds on one side",
		"<1.32 <1.33":    "two bounds on one side",
		">=1.32 <1.32":   "holds no version",
		">=1.33 <1.32":   "holds no version",
		">=1.30 || <1.2": "neither",
		"* >=1.32":       "neither",
	} {
		if r, err := spec.ParseRange(in); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), fmt.Sprintf("%q", in)) {
			t.Errorf("%q gives %s, %v; want an error with %q", in, r, err, want)
		}
	}
}

func TestRangeText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"*":                "*",
		">=1.32":           ">=1.32.0",
		"<v1.32.3 >=1.2":   ">=1.2.0 <1.32.3",
		">=1.32.0-rc-0":    ">=1.32.0-rc-0",
		"<1.32.0-0":        "<1.32.0",
		">=1.36.0-alpha.1": ">=1.36.0-alpha.1",
	} {
		var r, again spec.Range
		if err := r.UnmarshalText([]byte(in)); err != nil {
			t.Error(err)
		}
		text, err := r.MarshalText()
		if err != nil || string(text) != want {
			t.Errorf("%q is written as %s, %v; want %s", in, text, err, want)
		}
		if err := again.UnmarshalText(text); err != nil || again != r {
			t.Errorf("%s reads back as %s, %v", text, again, err)
		}
	}
}

func TestRelationsFor(t *testing.T) {
	t.Parallel()
	p := spec.Package{Name: "kubeadm", Relations: []spec.Relations{
		{Versions: parseRange(t, ">=1.30 <1.32"), Depends: []string{"kubelet"}},
		{Versions: parseRange(t, ">=1.32")},
	}}
	if r, err := p.RelationsFor("v1.31.2"); err != nil || len(r.Depends) != 1 {
		t.Errorf("v1.31.2 has %+v, %v", r, err)
	}
	if r, err := p.RelationsFor("v1.32.0-alpha.1"); err != nil || len(r.Depends) != 0 {
		t.Errorf("v1.32.0-alpha.1 has %+v, %v", r, err)
	}
	if _, err := p.RelationsFor("v1.29.0"); err == nil || !strings.Contains(err.Error(), "package kubeadm: 0 of 2 ranges") {
		t.Errorf("v1.29.0: error is %v", err)
	}
	p.Relations[1].Versions = spec.Range{}
	if _, err := p.RelationsFor("v1.31.2"); err == nil || !strings.Contains(err.Error(), "2 of 2 ranges") {
		t.Errorf("overlapping ranges: error is %v", err)
	}
	if r, err := (spec.Package{}).RelationsFor("v1.31.2"); err != nil || len(r.Depends) != 0 {
		t.Errorf("no ranges at all: %+v, %v", r, err)
	}
}

// FuzzParseRange looks for ranges that do not read back as they were written, or that hold versions outside themselves.
func FuzzParseRange(f *testing.F) {
	f.Add(">=1.30 <1.32", "v1.31.0")
	f.Add("*", "v1.0.0")
	f.Add(">=1.32.0-rc-0", "v1.32.0-rc.0")
	f.Fuzz(func(t *testing.T, in, version string) {
		r, err := spec.ParseRange(in)
		if err != nil {
			return
		}
		again, err := spec.ParseRange(r.String())
		if err != nil || again != r {
			t.Errorf("%q is written as %q, which reads back as %+v, %v", in, r, again, err)
		}
		if r.Contains(version) && !r.Overlaps(spec.Range{From: version}) {
			t.Errorf("%q holds %q and does not overlap what begins with it", in, version)
		}
	})
}

func ExampleParseRange() {
	r, err := spec.ParseRange(">=1.30 <1.32")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Contains("v1.31.14"), r.Contains("v1.32.0-rc.0"))
	// Output: true false
}

package yamlfile_test

import (
	"strings"
	"testing"

	"kubedist/pkg/yamlfile"
)

type example struct {
	Suites []struct {
		Name string `yaml:"name"`
	} `yaml:"suites"`
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	f, err := yamlfile.Parse("a.yaml", []byte("# first\nsuites:\n  - {name: a}\n  - name: b\n"))
	if err != nil {
		t.Fatal(err)
	}
	var e example
	if err := f.Decode(&e); err != nil || len(e.Suites) != 2 || e.Suites[1].Name != "b" {
		t.Errorf("got %+v, %v", e, err)
	}
	for field, want := range map[string]string{
		"suites[0].name": "a.yaml:3", "suites[1].name": "a.yaml:4", "suites[1].accepts": "a.yaml:4", "suites[7].name": "a.yaml:3", "origin": "a.yaml:1",
	} {
		if got := f.At(field); got != want {
			t.Errorf("%s: %s, want %s", field, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"suites: [":              "a.yaml:1: ",
		"suites: []\n---\na: b":  "a.yaml: more than one document",
		"suite: []":              `a.yaml:1: unknown field "suite"`,
		"suites: []\nsuites: []": "a.yaml:2: ",
		"suites: x":              "a.yaml:1: ",
	} {
		f, err := yamlfile.Parse("a.yaml", []byte(text))
		if err == nil {
			err = f.Decode(&example{})
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
	if _, err := yamlfile.Read(strings.NewReader(strings.Repeat("#", 2<<20))); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a file of 2 MiB: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("suites:\n  - {name: a}\n")
	f.Add("a: !!timestamp x")
	f.Add("a: !!binary x")
	f.Fuzz(func(t *testing.T, text string) {
		if file, err := yamlfile.Parse("a.yaml", []byte(text)); err == nil {
			_ = file.Decode(&example{})
			file.Line("suites[0].name")
		}
	})
}

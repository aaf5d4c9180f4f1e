package manifestlist_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"kubedist/pkg/manifestlist"
)

func TestReadSpec(t *testing.T) {
	t.Parallel()
	s, err := manifestlist.ReadSpec("list.yaml", strings.NewReader(`image: myprivreg:5000/someimage:latest
tags: ["1.0.0", "1.0", "1"]
annotations: {org.example.a: b}
manifests:
  -
    image: myprivreg:5000/someimage:arm64
    platform:
      architecture: arm64
      os: linux
  -
    image: myprivreg:5000/someimage:windows
    platform: {architecture: amd64, os: windows, os.version: "10.0.17763.2300", os.features: [win32k], features: [sse4], variant: v1}
`))
	want := &manifestlist.Spec{
		Image: "myprivreg:5000/someimage:latest", Tags: []string{"1.0.0", "1.0", "1"}, Annotations: map[string]string{"org.example.a": "b"},
		Manifests: []manifestlist.Member{
			{Image: "myprivreg:5000/someimage:arm64", Platform: manifestlist.Platform{OS: "linux", Architecture: "arm64"}},
			{Image: "myprivreg:5000/someimage:windows", Platform: manifestlist.Platform{
				OS: "windows", Architecture: "amd64", Variant: "v1", OSVersion: "10.0.17763.2300", OSFeatures: []string{"win32k"}, Features: []string{"sse4"}}},
		},
	}
	if err != nil || !reflect.DeepEqual(s, want) {
		t.Errorf("got %+v, %v", s, err)
	}
	for text, want := range map[string]string{
		"":                                       "list.yaml:1: image: says nothing",
		"image: a:b":                             "list.yaml:1: manifests: lists no image",
		"image: a:b\nmanifests:\n- platform: {}": "list.yaml:3: manifests[0]: has no image",
		"image: a:b\nmanifest: []":               `list.yaml:2: unknown field "manifest"`,
		"image: a:b\nmanifests:\n- {image: c, platform: {arch: x}}": `list.yaml:3: unknown field "arch"`,
		"image: [": "list.yaml:1: ",
	} {
		if _, err := manifestlist.ReadSpec("list.yaml", strings.NewReader(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func ExampleArguments_Spec() {
	s, err := manifestlist.Arguments{
		Platforms: []string{"linux/amd64", "linux/arm/v7", "windows/arm64"},
		Template:  "example.org/OS/bar-ARCHVARIANT:v1",
		Target:    "example.org/bar:v1",
	}.Spec()
	if err != nil {
		panic(err)
	}
	for _, m := range s.Manifests {
		fmt.Println(m.Image)
	}
	// Output:
	// example.org/linux/bar-amd64:v1
	// example.org/linux/bar-armv7:v1
	// example.org/windows/bar-arm64:v1
}

func FuzzReadSpec(f *testing.F) {
	f.Add("image: a:b\nmanifests:\n- {image: c, platform: {os: linux}}\n")
	f.Add("manifests: [{}]")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := manifestlist.ReadSpec("list.yaml", strings.NewReader(text))
		if err != nil {
			return
		}
		for _, m := range s.Manifests {
			if m.Image == "" || s.Image == "" {
				t.Errorf("takes %+v", s)
			}
		}
	})
}

func FuzzArguments(f *testing.F) {
	f.Add("linux/amd64", "linux/arm/v7", "a-ARCHVARIANT:OS")
	f.Fuzz(func(t *testing.T, a, b, template string) {
		s, err := manifestlist.Arguments{Platforms: []string{a, b}, Template: template, Target: "a"}.Spec()
		if err == nil && (len(s.Manifests) != 2 || s.Manifests[0].Image == s.Manifests[1].Image) {
			t.Errorf("%s and %s of %s: %+v", a, b, template, s)
		}
	})
}

package imagebase_test

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/imagebase"
	"kubedist/pkg/platform"
)

// document is an image's manifest with one change.
func document(t testing.TB, change func(m *v1.Manifest)) []byte {
	t.Helper()
	m, err := imageFor(t, amd64).Manifest()
	if err != nil {
		t.Fatal(err)
	}
	m = m.DeepCopy()
	change(m)
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestParseManifest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(m *v1.Manifest)
		want   string // "" when it is fine
	}{
		"as it is":            {func(*v1.Manifest) {}, ""},
		"no layers":           {func(m *v1.Manifest) { m.Layers = nil }, "0 layers"},
		"too many layers":     {func(m *v1.Manifest) { m.Layers = slices.Repeat(m.Layers, 128) }, "128 layers"},
		"a large layer":       {func(m *v1.Manifest) { m.Layers[0].Size = 1 << 40 }, "at most"},
		"a negative layer":    {func(m *v1.Manifest) { m.Layers[0].Size = -1 }, "at most"},
		"a layer elsewhere":   {func(m *v1.Manifest) { m.Layers[0].URLs = []string{"https://example.org/x"} }, "may not be passed on"},
		"a layer of its own":  {func(m *v1.Manifest) { m.Layers[0].MediaType = "application/x" }, `of type "application/x"`},
		"a digest as a path":  {func(m *v1.Manifest) { m.Layers[0].Digest = v1.Hash{Algorithm: "sha256", Hex: "../../x"} }, "hash"},
		"a large config":      {func(m *v1.Manifest) { m.Config.Size = 1 << 30 }, "at most"},
		"a config of its own": {func(m *v1.Manifest) { m.Config.MediaType = "application/x" }, `configuration is of type "application/x"`},
	} {
		_, err := imagebase.ParseManifest(document(t, c.change))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want an error with %q", name, err, c.want)
		}
	}
}

// What is accepted names nothing but blobs of a bounded size, whatever the documents hold.
func FuzzDocuments(f *testing.F) {
	id := platform.ID{OS: "linux", Arch: "amd64"}
	f.Add(document(f, func(*v1.Manifest) {}))
	f.Add([]byte(`{"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":9,"digest":"sha256:../x","platform":{"os":"linux","architecture":"amd64"}}]}`))
	f.Add([]byte(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:00"]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		check := func(d v1.Descriptor) {
			if d.Size < 0 || d.Size > 10<<30 || len(d.Digest.Hex) != 64 || strings.Trim(d.Digest.Hex, "0123456789abcdef") != "" {
				t.Errorf("accepted %+v", d)
			}
		}
		if d, err := imagebase.Choose(data, id); err == nil {
			check(d)
		}
		m, err := imagebase.ParseManifest(data)
		if err == nil {
			check(m.Config)
			for _, d := range m.Layers {
				check(d)
			}
		} else {
			m = &v1.Manifest{}
		}
		_ = imagebase.CheckConfig(data, m, id) // must not panic
	})
}

// A target that is rewritten leads to the same file, from the root of an image and from wherever the image is unpacked.
func FuzzRelative(f *testing.F) {
	f.Add("usr/bin/x", "/etc/y")
	f.Add("lib", "usr/lib")
	f.Add("a/b", "../c//./d/")
	f.Add("a/b", "/../../c")
	f.Add("a", "x/../y")
	f.Fuzz(func(t *testing.T, name, target string) {
		if path.Clean("/"+name) != "/"+name || name == "" || target == "" {
			return
		}
		resolve := func(target string) string {
			if path.IsAbs(target) {
				return path.Clean(target)
			}
			return path.Clean("/" + path.Dir(name) + "/" + target)
		}
		got := imagebase.Relative(name, target)
		if path.IsAbs(got) || resolve(got) != resolve(target) {
			t.Errorf("%s -> %s became %s", name, target, got)
		}
	})
}

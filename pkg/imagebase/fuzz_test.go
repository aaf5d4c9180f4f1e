package imagebase_test

import (
	"path"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/imagebase"
	"kubedist/pkg/platform"
)

// What is chosen or refused, a document names nothing but blobs of a bounded size.
func FuzzDocuments(f *testing.F) {
	id := platform.ID{OS: "linux", Arch: "amd64"}
	entry := `{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":9,"digest":"sha256:` + strings.Repeat("0", 64) + `","platform":{"os":"linux","architecture":"amd64"}}`
	f.Add([]byte(`{"schemaVersion":2,"manifests":[` + entry + `]}`))
	f.Add([]byte(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:00"]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if d, err := imagebase.Choose(data, id); err == nil && (d.Size < 0 || d.Size > 4<<20 || len(d.Digest.Hex) != 64 || len(d.URLs) > 0) {
			t.Errorf("chose %+v", d)
		}
		m, err := imagebase.ParseManifest(data)
		if err != nil {
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

package registry_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"kubedist/pkg/registry"
	"kubedist/pkg/registry/registrytest"
)

const someDigest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// open opens a layout and all that it names.
func open(dir string) error {
	l, err := registry.OpenLayout(dir)
	if err != nil {
		return err
	}
	defer l.Close()
	for _, e := range l.Entries() {
		if _, err := l.Tree(e); err != nil {
			return err
		}
	}
	return nil
}

func TestMalformedLayouts(t *testing.T) {
	t.Parallel()
	entry := func(name, digest string) string {
		return fmt.Sprintf(`{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":2,"digest":%q,"annotations":{"org.opencontainers.image.ref.name":%q}}]}`, digest, name)
	}
	for want, files := range map[string][2]string{
		`oci-layout: version "2.0.0", not 1.0.0`:                              {`{"imageLayoutVersion":"2.0.0"}`, `{}`},
		`oci-layout: not the JSON of one`:                                     {`x`, `{}`},
		`index.json: schema version 0, not 2`:                                 {``, `{}`},
		`index.json: something follows its JSON`:                              {``, `{} {}`},
		`index.json: media type "application/vnd.oci.image.manifest.v1+json"`: {``, `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}`},
		`has no annotation org.opencontainers.image.ref.name`:                 {``, entry("", someDigest)},
		`index.json: not the JSON of one: cannot parse hash`:                  {``, entry("a", "../../etc/passwd")},
		`found non-hex character in hash`:                                     {``, entry("a", "sha256:../../../../../../../../../../../../../../../../../../../etc/passwd")},
		`digest "sha512": not a SHA-256`:                                      {``, entry("a", "sha512:"+strings.Repeat("a", 128))},
		`blob ` + someDigest + `: is missing`:                                 {``, entry("a", someDigest)},
		`index.json: more than 1000 entries`:                                  {``, `{"schemaVersion":2,"manifests":[` + strings.Repeat(`{},`, 1000) + `{}]}`},
		`index.json: larger than 4194304 bytes`:                               {``, `{"schemaVersion":2}` + strings.Repeat(" ", 4<<20)},
	} {
		dir := t.TempDir()
		if files[0] == "" {
			files[0] = `{"imageLayoutVersion":"1.0.0"}`
		}
		for i, name := range []string{"oci-layout", "index.json"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(files[i]), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := open(dir); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "image layout "+dir) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "there is no file oci-layout in it") {
		t.Errorf("empty directory: %v", err)
	}
}

// TestBlobFiles puts other things in the place of a blob. A FIFO would block whoever opens it.
func TestBlobFiles(t *testing.T) {
	t.Parallel()
	for want, replace := range map[string]func(file string) error{
		"not a regular file":    func(file string) error { return os.Symlink("/etc/passwd", file) },
		": not a regular file":  func(file string) error { return os.Mkdir(file, 0o755) },
		"x: not a regular file": func(file string) error { return syscall.Mkfifo(file, 0o644) },
	} {
		dir := images(t)
		file := find(t, dir, "layer")
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if err := replace(file); err != nil {
			t.Fatal(err)
		}
		if err := open(dir); err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(want, "x")) {
			t.Errorf("got %v", err)
		}
	}
}

func TestNestedAndEmpty(t *testing.T) {
	t.Parallel()
	inner := registrytest.Index(t, registrytest.Image(t, "linux/amd64"))
	nested := mutate.AppendManifests(registrytest.Index(t), mutate.IndexAddendum{Add: inner})
	for want, index := range map[string]mutate.Appendable{
		"media type \"" + string(types.OCIImageIndex) + "\": not that of an image": nested,
		": is empty": registrytest.Index(t),
	} {
		dir := registrytest.Layout(t, map[string]mutate.Appendable{"example.org/a:v1": index})
		if err := open(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// FuzzManifests parses what registries and disks may hold. Whatever is taken has digests that are safe in a path, and sizes
// that can be.
func FuzzManifests(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"config":{"mediaType":"x","size":1,"digest":"`+someDigest+`"},"layers":[{"size":2,"digest":"`+someDigest+`"}]}`), true)
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1,"digest":"`+someDigest+`"}]}`), false)
	f.Add([]byte(`{"schemaVersion":2} {}`), true)
	f.Fuzz(func(t *testing.T, raw []byte, image bool) {
		if image {
			m, err := registry.ParseImage(raw, types.OCIManifestSchema1)
			if err != nil {
				return
			}
			for _, d := range append(m.Layers, m.Config) {
				if len(d.Digest.Hex) != 64 || d.Size < 0 {
					t.Errorf("takes %+v", d)
				}
			}
			return
		}
		m, err := registry.ParseIndex(raw, types.OCIImageIndex)
		if err != nil {
			return
		}
		for _, d := range m.Manifests {
			if len(d.Digest.Hex) != 64 || d.Size < 0 || d.Size > 4<<20 || !d.MediaType.IsImage() {
				t.Errorf("takes %+v", d)
			}
		}
	})
}

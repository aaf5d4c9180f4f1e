package ocilayout_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"kubedist/pkg/ocilayout"
)

// FuzzLayout gives the reader an index.json and one more document, under its digest, that index.json and itself may refer
// to as DIGEST and SIZE.
func FuzzLayout(f *testing.F) {
	root := func(mediaType string) string {
		return `{"schemaVersion":2,"manifests":[{"mediaType":"` + mediaType + `","digest":"DIGEST","size":SIZE,"annotations":{"org.opencontainers.image.ref.name":"a"}}]}`
	}
	f.Add(root(manifestType), `{"schemaVersion":2,"config":{"mediaType":"`+configType+`","digest":"DIGEST","size":SIZE},"layers":[]}`)
	f.Add(root(indexType), root(indexType))
	f.Add(root(manifestType), `{"schemaVersion":2,"config":{},"layers":[{"size":-1}]}`)
	f.Add(root("text/plain"), config)
	f.Fuzz(func(t *testing.T, root, document string) {
		dir := t.TempDir()
		var d v1.Descriptor
		if err := json.Unmarshal([]byte(putBlob(t, dir, manifestType, document)), &d); err != nil {
			t.Fatal(err)
		}
		putRoot(t, dir)
		put(t, dir+"/index.json", strings.NewReplacer("DIGEST", d.Digest.String(), "SIZE", fmt.Sprint(len(document))).Replace(root))
		_ = read(dir)
		l := ocilayout.Layout(dir)
		if found, raw, err := l.Lookup(d.Digest); err == nil && (found.Size != d.Size || string(raw) != document) {
			t.Errorf("found %+v, want %+v", found, d)
		}
		if img, err := l.Image(d); err == nil {
			_ = validate.Image(img)
		}
	})
}

// FuzzDocuments parses what registries and disks may hold. Whatever is taken has digests that are safe in a path, and sizes
// that can be.
func FuzzDocuments(f *testing.F) {
	f.Add([]byte(manifest(descriptor(configType, zeros, 1), layers(2)...)))
	f.Add([]byte(index(descriptor(manifestType, zeros, 1))))
	f.Add([]byte(`{"schemaVersion":2} {}`))
	f.Add([]byte(config))
	f.Fuzz(func(t *testing.T, raw []byte) {
		check := func(most int64, all ...v1.Descriptor) {
			for _, d := range all {
				if d.Digest.Algorithm != "sha256" || len(d.Digest.Hex) != 64 || strings.ContainsAny(d.Digest.Hex, "/.") || d.Size < 0 || d.Size > most {
					t.Errorf("takes %+v", d)
				}
			}
		}
		_, imageErr := ocilayout.ParseManifest(raw, manifestType)
		list, indexErr := ocilayout.ParseIndex(raw, indexType)
		switch {
		case imageErr == nil && indexErr == nil:
			t.Error("is an image and an index")
		case indexErr == nil:
			check(ocilayout.MaxDocument, list.Manifests...)
		}
		mediaType, err := ocilayout.TypeOf(raw)
		if err != nil {
			return
		}
		if m, err := ocilayout.ParseManifest(raw, mediaType); err == nil {
			check(ocilayout.MaxDocument, m.Config)
			check(math.MaxInt64, m.Layers...)
		}
		m, err := ocilayout.ParseBase(raw, mediaType)
		if err != nil {
			m = &v1.Manifest{}
		}
		check(ocilayout.MaxLayer, m.Layers...)
		_, _ = ocilayout.ParseBaseConfig(raw, m) // must not panic
	})
}

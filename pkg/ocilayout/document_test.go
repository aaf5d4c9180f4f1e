package ocilayout_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"kubedist/pkg/hint"
	"kubedist/pkg/ocilayout"
)

// layers repeats a small layer.
func layers(n int) []string {
	return slices.Repeat([]string{descriptor(layerType, zeros, 1)}, n)
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	image := func(raw string, mediaType types.MediaType) error {
		_, err := ocilayout.ParseManifest([]byte(raw), mediaType)
		return err
	}
	list := func(raw string, mediaType types.MediaType) error {
		_, err := ocilayout.ParseIndex([]byte(raw), mediaType)
		return err
	}
	aConfig := descriptor(configType, "sha256:"+strings.Repeat("1", 64), 1)
	if err := errors.Join(image(manifest(aConfig, layers(1000)...), manifestType), list(index(layers(1000)...), indexType), list(index(), indexType)); err != nil {
		t.Error(err)
	}
	for want, err := range map[string]error{
		`media type "x": not that of an image`: image(manifest(aConfig), "x"),
		`media type "x": not that of an index`: list(index(), "x"),
		"registries gave up":                   image(`{}`, types.DockerManifestSchema1),
		"schema version 0, not 2":              list(`{"manifests":[]}`, indexType),
		"schema version 1, not 2":              image(`{"schemaVersion":1,"config":{}}`, manifestType),
		`media type "x", and it was called`:    list(`{"schemaVersion":2,"mediaType":"x","manifests":[]}`, indexType),
		"no config, or has manifests":          image(`{"schemaVersion":2,"config":`+aConfig+`,"manifests":[]}`, manifestType),
		"no manifests, or has layers":          list(`{"schemaVersion":2,"layers":[],"manifests":[]}`, indexType),
		"after top-level value":                image(manifest(aConfig)+" {}", manifestType),
		"more than 4194304 bytes":              image(manifest(aConfig)+strings.Repeat(" ", 4<<20), manifestType),
		"1001 layers":                          image(manifest(aConfig, layers(1001)...), manifestType),
		"1001 manifests":                       list(index(layers(1001)...), indexType),
		"has two sizes, 1 and 2":               image(manifest(aConfig, append(layers(1), descriptor(layerType, zeros, 2))...), manifestType),
		"two sizes, 5 and 1":                   image(manifest(descriptor(configType, zeros, 5), layers(1)...), manifestType),
		"configuration: " + zeros:              image(manifest(descriptor(configType, zeros, 5<<20)), manifestType),
		"manifest 2: " + zeros:                 list(index(aConfig, descriptor(manifestType, zeros, 5<<20)), indexType),
		"layer 1: ":                            image(manifest(aConfig, descriptor(layerType, zeros, -1)), manifestType),
		zeros + ": -1 bytes":                   list(index(descriptor(manifestType, zeros, -1)), indexType),
		"no digest":                            list(index(`{"mediaType":"x","size":1}`), indexType),
		"is no SHA-256":                        list(index(descriptor(manifestType, "sha512:"+strings.Repeat("0", 128), 1)), indexType),
		"found non-hex character":              list(index(descriptor(manifestType, "sha256:../../../../etc/passwd", 1)), indexType),
		"non-hex character in hash: A":         image(manifest(aConfig, descriptor(layerType, "sha256:"+strings.Repeat("A", 64), 1)), manifestType),
	} {
		if !errors.Is(err, ocilayout.ErrDocument) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := image(`{}`, types.DockerManifestSchema1); hint.Of(err) == "" {
		t.Error("no hint about an old manifest")
	}
	for _, hex := range []string{"../../index.json", strings.Repeat("A", 64), strings.Repeat("0", 63), ""} {
		if err := ocilayout.CheckDigest(v1.Hash{Algorithm: "sha256", Hex: hex}); err == nil {
			t.Errorf("takes the digest %q", hex)
		}
	}
}

func TestParseBase(t *testing.T) {
	t.Parallel()
	aConfig := descriptor(configType, zeros, 1)
	layer := func(mediaType string, size int64, more string) string {
		return fmt.Sprintf(`{"mediaType":%q,"size":%d,"digest":"sha256:%s"%s}`, mediaType, size, strings.Repeat("1", 64), more)
	}
	for name, c := range map[string]struct{ raw, want string }{
		"as it is":                {manifest(aConfig, layer(layerType, 1, "")), ""},
		"no layers":               {manifest(aConfig), "0 layers"},
		"too many layers":         {manifest(aConfig, layers(128)...), "128 layers"},
		"a large layer":           {manifest(aConfig, layer(layerType, 1<<40, "")), "1099511627776 bytes, more than"},
		"a layer elsewhere":       {manifest(aConfig, layer(layerType, 1, `,"urls":["https://example.org/x"]`)), "may not be passed on"},
		"a layer of others":       {manifest(aConfig, layer(string(types.DockerForeignLayer), 1, "")), "may not be passed on"},
		"a layer of its own":      {manifest(aConfig, layer("application/x", 1, "")), `of the type "application/x"`},
		"a config of its own":     {manifest(descriptor("application/x", zeros, 1), layer(layerType, 1, "")), `configuration is of the type "application/x"`},
		"a config elsewhere":      {manifest(strings.TrimSuffix(aConfig, "}")+`,"urls":["https://example.org/x"]}`, layer(layerType, 1, "")), "may not be passed on"},
		"no manifest":             {config, "schema version"},
		"a layer as large as its": {manifest(aConfig, layer(layerType, 10<<30, "")), ""},
	} {
		m, err := ocilayout.ParseBase([]byte(c.raw), manifestType)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want an error with %q", name, err, c.want)
		}
		if err == nil {
			if _, err := ocilayout.ParseBaseConfig([]byte(config), m); err == nil || !strings.Contains(err.Error(), "1 layers, and a configuration that speaks of 0") {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
}

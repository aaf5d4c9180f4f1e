package bucket

import (
	"strings"
	"testing"

	"kubedist/pkg/hint"
)

func TestOpen(t *testing.T) {
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("STORAGE_EMULATOR_HOST", "127.0.0.1:1")
	for address, want := range map[string]string{
		"s3://apt/debian/?region=eu-central-1":                              "s3://apt/debian/",
		"s3://apt?region=x&endpoint=http://127.0.0.1:1&use_path_style=true": "s3://apt",
		"gs://apt/debian":  "gs://apt/debian",
		"file:///srv/www/": "file:///srv/www/",
	} {
		b, err := Open(t.Context(), address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if b.String() != want {
			t.Errorf("%s: named %s", address, b)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	for address, want := range map[string]string{
		"":                        "no bucket is named",
		"apt":                     "no bucket is named",
		"ftp://apt":               `scheme "ftp" is none of s3, gs and file`,
		"s3:///apt":               "no bucket is named",
		"file://srv/www":          "not the path of a directory",
		"file:///srv?create=true": "not the path of a directory",
		"s3://apt?regoin=x":       "regoin",
		"gs://apt?region=x":       "region",
		"::":                      "missing protocol scheme",
	} {
		_, err := Open(t.Context(), address)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", address, err)
		}
		if want != "missing protocol scheme" && !strings.HasPrefix(address, "gs") && hint.Of(err) == "" {
			t.Errorf("%s: no hint", address)
		}
	}
}

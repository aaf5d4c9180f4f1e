package source

import (
	"slices"
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	known := strings.Fields("v1.34.0 v1.35.0 v1.35.1 v1.36.0-rc.0 v1.36.0 v1.36.1 v1.36.2 v1.36.3 v1.36.4")
	for _, c := range []struct {
		version string
		want    string
	}{
		{"v1.36.9", "v1.36.0 v1.36.1 v1.36.2 v1.36.3 v1.36.4"},
		{"v1.35.9", "v1.35.0 v1.35.1"},
		{"v1.40.0", "v1.36.0 v1.36.1 v1.36.2 v1.36.3 v1.36.4"},
	} {
		if got := nearest(known, c.version); !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("nearest to %s are %v, want %s", c.version, got, c.want)
		}
	}
}

func FuzzParseDownloads(f *testing.F) {
	f.Add("{\"Path\": \"k8s.io/api\", \"Version\": \"v0.36.3\", \"Sum\": \"h1:x\"}\n{\"Path\": \"k8s.io/x\", \"Error\": \"404 Not Found\"}\n")
	f.Fuzz(func(t *testing.T, answer string) {
		all, err := parseDownloads(strings.NewReader(answer))
		if err != nil && all != nil {
			t.Errorf("%d downloads beside the error %v", len(all), err)
		}
	})
}

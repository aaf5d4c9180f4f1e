package buildroot_test

import (
	"path/filepath"
	"testing"

	"kubedist/pkg/buildroot"
)

// An order that is accepted names nothing outside of the root for inside.
func FuzzParseOrder(f *testing.F) {
	f.Add(`{"root":"/r","mount":"/m","binds":[{"host":"/a","inside":"/out","writable":true}],"program":"/bin/x","name":"x","dir":"/"}`)
	f.Add(`{"root":"/r","mount":"/m","binds":[{"host":"/a","inside":"/../x"}],"dir":"/x/../.."}`)
	f.Fuzz(func(t *testing.T, text string) {
		o, err := buildroot.ParseOrder(text)
		if err != nil {
			return
		}
		paths := []string{o.Dir}
		for _, b := range o.Binds {
			paths = append(paths, b.Inside)
		}
		for _, p := range paths {
			if !filepath.IsAbs(p) || filepath.Clean(p) != p {
				t.Errorf("%q is accepted", p)
			}
		}
	})
}

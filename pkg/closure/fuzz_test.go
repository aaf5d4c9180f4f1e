package closure_test

import (
	"strings"
	"testing"

	"kubedist/pkg/closure"
)

// An index, however damaged, gives packages or an error, and what it gives can be resolved.
func FuzzIndex(f *testing.F) {
	f.Add(pkg("gcc", "1", "amd64", "Depends: cpp (>= 1) | as:any, libc6", "Provides: cc (= 1)") + pkg("cpp", "1", "all", "Breaks: gcc (<< 1)"))
	f.Add("Package: gcc\n")
	f.Fuzz(func(t *testing.T, index string) {
		names, err := closure.ResolveIndex(strings.NewReader(index), "gcc")
		if err == nil && len(names) == 0 {
			t.Error("resolved to nothing")
		}
	})
}

package source

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kubedist/pkg/hint"
)

func TestOutputInsideTheSource(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, output string // below a directory in which the source is "src" and "link" leads into it
		refused      bool
	}{
		{"new directory", "src/out", true},
		{"deep", "src/a/b/c", true},
		{"existing", "src/cmd", true},
		{"the source itself", "src", true},
		{"through a link", "link/out", true},
		{"dots in the name", "src/..out", true},
		{"beside", "out", false},
		{"same beginning", "src-out", false},
		{"above", ".", false},
		{"out again", "src/../out", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			top := t.TempDir()
			src := filepath.Join(top, "src")
			if err := os.CopyFS(src, os.DirFS("testdata/kubernetes")); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("src/cmd", filepath.Join(top, "link")); err != nil {
				t.Fatal(err)
			}
			_, err := Open(t.Context(), Options{
				Module: "k8s.io/kubernetes", Directory: src, Version: "v1.36.3", BuildDate: buildDate, Environ: gitUser(),
				Exclude: []string{t.TempDir(), top + "/" + c.output},
			})
			if !c.refused {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, ErrOutputInside) || !strings.Contains(err.Error(), c.output) || !strings.Contains(hint.Of(err), "--out") {
				t.Errorf("error %v, hint %q", err, hint.Of(err))
			}
		})
	}
}

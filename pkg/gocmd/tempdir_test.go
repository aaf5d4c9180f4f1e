package gocmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kubedist/pkg/gocmd"
)

func TestTemporaryFilesLieWhereTheyShould(t *testing.T) {
	t.Parallel()
	given, goTmp, tmp := t.TempDir(), t.TempDir(), t.TempDir()
	for _, c := range []struct {
		name, given string
		environ     []string
		want        string
	}{
		{"option", given, []string{"GOTMPDIR=" + goTmp, "TMPDIR=" + tmp}, given},
		{"GOTMPDIR", "", []string{"GOTMPDIR=" + goTmp, "TMPDIR=" + tmp}, goTmp},
		{"TMPDIR", "", []string{"TMPDIR=" + tmp}, tmp},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			// The stand-in answers go env with nothing, so the setting comes with the command.
			g := newGo(t, gocmd.Options{Path: script(t, `touch "$TMPDIR/left" && echo "$GOTMPDIR $TMPDIR"`), TempDir: c.given, Environ: user(t)})
			out, err := g.Output(t.Context(), gocmd.Command{Dir: t.TempDir(), Args: []string{"build"}, Env: c.environ})
			if err != nil {
				t.Fatal(err)
			}
			dirs := strings.Fields(string(out))
			if len(dirs) != 2 || dirs[0] != dirs[1] || filepath.Dir(dirs[0]) != c.want || !strings.HasPrefix(filepath.Base(dirs[0]), "kubedist-go-") {
				t.Fatalf("go works in %q, want below %s", dirs, c.want)
			}
			if _, err := os.Stat(dirs[0]); !os.IsNotExist(err) {
				t.Errorf("temporary files are left: %v", err)
			}
		})
	}
}

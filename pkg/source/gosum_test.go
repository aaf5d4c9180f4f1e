package source

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGoSums(t *testing.T) {
	t.Parallel()
	tree := &Tree{Name: "x", Dir: t.TempDir()}
	if got, err := tree.GoSums(); err != nil || len(got) > 0 {
		t.Errorf("without files: %v, %v", got, err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(tree.Dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.sum", "example.org/a v1.0.0 h1:AAA=\nexample.org/a v1.0.0/go.mod h1:BBB=\n\n")
	write("go.work.sum", "example.org/b/v2 v2.0.0+incompatible h1:CCC=\n")
	want := map[string]string{"example.org/a@v1.0.0": "h1:AAA=", "example.org/b/v2@v2.0.0+incompatible": "h1:CCC="}
	if got, err := tree.GoSums(); err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	write("go.sum", "example.org/a v1.0.0 h1:AAA=\nodd\n")
	if _, err := tree.GoSums(); err == nil || !strings.Contains(err.Error(), "sums of x: go.sum:2: ") {
		t.Errorf("got %v", err)
	}
}

package source

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"app/constants.go": "// PauseVersion is one\nPauseVersion = \"3.10.2\"\n\tA = \"1\"\n\tA = \"2\"\n"})
	if err := os.WriteFile(filepath.Join(dir, "large"), make([]byte, maxReading+1), 0o600); err != nil {
		t.Fatal(err)
	}
	tree := &Tree{Name: "kubernetes", Dir: dir, Stamp: Stamp{Version: "v1.36.3"}}
	for _, c := range []struct{ file, match, want, wrong string }{
		{"app/constants.go", `PauseVersion = "([^"]+)"`, "3.10.2", ""},
		{"app/constants.go", `EtcdVersion = "([^"]+)"`, "", `app/constants.go of kubernetes v1.36.3: "EtcdVersion = \"([^\"]+)\"" matches nothing`},
		{"app/constants.go", `A = "([^"]+)"`, "", "matches more than once"},
		{"app/constants.go", `PauseVersion`, "", "has 0 groups, not one"},
		{"app/constants.go", `(Pause)(Version)`, "", "has 2 groups, not one"},
		{"app/constants.go", `(`, "", "missing closing )"},
		{"none.go", `(x)`, "", "no such file"},
		{"../none.go", `(x)`, "", "not inside the tree"},
		{"large", `(x)`, "", "larger than"},
	} {
		got, err := Read(tree, c.file, c.match)
		if got != c.want || (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s %s: %q, %v", c.file, c.match, got, err)
		}
	}
}

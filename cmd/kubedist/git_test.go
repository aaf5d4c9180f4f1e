package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/gitshim"
)

// A kubedist that is called git is git's stand-in in a build that says so, and kubedist otherwise.
func TestStandIn(t *testing.T) {
	t.Parallel()
	tree := t.TempDir()
	if err := os.WriteFile(filepath.Join(tree, "go.mod"), []byte("module example.org/tree\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	shim, err := gitshim.Prepare(gitshim.Options{
		Tree: tree, Scratch: t.TempDir(), Executable: os.Args[0],
		Stamp: gitshim.Stamp{Commit: strings.Repeat("1f", 20), Time: time.Unix(1756289344, 0), Tag: "v1.34.0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{}
	for _, entry := range shim.Env(nil) {
		name, value, _ := strings.Cut(entry, "=")
		variables[name] = value
	}
	inBuild := func(name string) string { return variables[name] }
	elsewhere := func(string) string { return "" }
	getwd := func() (string, error) { return shim.Tree(), nil }

	for _, c := range []struct {
		name   string
		args   []string
		getenv func(string) string
		did    bool
		says   string
	}{
		{"in a build", []string{filepath.Join("bin", "git"), "tag", "-l"}, inBuild, true, "v1.34.0\n"},
		{"outside of one", []string{"git", "tag", "-l"}, elsewhere, false, ""},
		{"under its own name", []string{"/usr/bin/kubedist", "tag", "-l"}, inBuild, false, ""},
		{"without a name", nil, inBuild, false, ""},
	} {
		var out, errs strings.Builder
		status, did := standIn(c.args, c.getenv, getwd, &out, &errs)
		if did != c.did || status != 0 || out.String() != c.says || errs.String() != "" {
			t.Errorf("%s: did %v, status %d, says %q, complains %q", c.name, did, status, out.String(), errs.String())
		}
	}
}

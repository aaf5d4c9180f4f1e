package gocmd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"kubedist/pkg/gocmd"
)

// TestInstallation asks a go command that says of itself what each case wants.
func TestInstallation(t *testing.T) {
	t.Parallel()
	const sum = "h1:/yCM7qVQu6sYYUewQ39rtTtRMYMHdbP9oNjgp+lEV9w="
	for name, c := range map[string]struct {
		root string // below the module cache, or beside it
		sum  string // in the cache
		want gocmd.Installation
	}{
		"fetched":           {"mod/golang.org/toolchain@v0.0.1-go1.26.5.linux-amd64", sum + "\n", gocmd.Installation{Version: "go1.26.5", Module: "v0.0.1-go1.26.5.linux-amd64", Sum: sum}},
		"without a sum":     {"mod/golang.org/toolchain@v0.0.1-go1.26.5.linux-amd64", "", gocmd.Installation{Version: "go1.26.5", Module: "v0.0.1-go1.26.5.linux-amd64"}},
		"odd sum":           {"mod/golang.org/toolchain@v0.0.1-go1.26.5.linux-amd64", "odd", gocmd.Installation{Version: "go1.26.5", Module: "v0.0.1-go1.26.5.linux-amd64"}},
		"installed":         {"usr/local/go", "", gocmd.Installation{Version: "go1.26.5"}},
		"another module":    {"mod/example.org/go@v1", "", gocmd.Installation{Version: "go1.26.5"}},
		"a subdirectory":    {"mod/golang.org/toolchain@v1/go", "", gocmd.Installation{Version: "go1.26.5"}},
		"a sibling by name": {"modgolang.org/toolchain@v1", "", gocmd.Installation{Version: "go1.26.5"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cache := filepath.Join(dir, "mod", "cache", "download", "golang.org", "toolchain", "@v")
			if err := os.MkdirAll(cache, 0o755); err != nil {
				t.Fatal(err)
			}
			if c.sum != "" {
				if err := os.WriteFile(filepath.Join(cache, "v0.0.1-go1.26.5.linux-amd64.ziphash"), []byte(c.sum), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			program := filepath.Join(dir, "go")
			script := fmt.Sprintf("#!/bin/sh\necho '{\"GOVERSION\":\"go1.26.5\",\"GOROOT\":%q,\"GOMODCACHE\":%q}'\n", filepath.Join(dir, filepath.FromSlash(c.root)), filepath.Join(dir, "mod"))
			if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			got, err := newGo(t, gocmd.Options{Path: program}).Installation(t.Context())
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

// TestInstallationOfThisGo asks the real one.
func TestInstallationOfThisGo(t *testing.T) {
	t.Parallel()
	g := newGo(t, gocmd.Options{Toolchain: gocmd.Local})
	version, err := g.Version(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := g.Installation(t.Context()); err != nil || got.Version != version {
		t.Errorf("got %+v, %v; want %s", got, err, version)
	}
}

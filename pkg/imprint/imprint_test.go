package imprint

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/platform"
)

// compile builds a program with a build date, in a repository of one commit.
func compile(t *testing.T, environ ...string) (path, commit string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":  "module example.org/program\n\ngo 1.24\n",
		"main.go": "package main\n\nvar buildDate, other = \"\", \"2001-02-03T04:05:06Z\"\n\nfunc main() { println(buildDate, other) }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(name string, args ...string) string {
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_COMMITTER_DATE=2025-08-27T10:09:04Z", "GIT_AUTHOR_DATE=2025-08-27T10:09:04Z", "GOFLAGS=", "GOTOOLCHAIN=local", "CGO_ENABLED=0")
		cmd.Env = append(cmd.Env, environ...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("git", "init", "-q")
	run("git", "add", ".")
	run("git", "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-q", "-m", "x")
	run("git", "tag", "v1.34.0")
	commit = run("git", "rev-parse", "HEAD")
	run("go", "build", "-buildvcs=true", "-trimpath", "-o", "program", "-ldflags=-s -w -X main.buildDate=2025-08-27T10:15:59Z")
	return filepath.Join(dir, "program"), commit
}

func TestRead(t *testing.T) {
	t.Parallel()
	path, commit := compile(t, "GOOS=linux", "GOARCH=arm", "GOARM=7")
	i, err := Read(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	committed := time.Date(2025, time.August, 27, 10, 9, 4, 0, time.UTC)
	if i.Main != "example.org/program" || i.Module != i.Main || i.Version != "v1.34.0" || i.Commit != commit || !i.Time.Equal(committed) || i.Modified || i.Cgo || !i.Trimmed {
		t.Errorf("imprint %+v", i)
	}
	if want := (platform.ID{OS: "linux", Arch: "arm", Variant: "v7"}); i.Platform != want {
		t.Errorf("platform %s, want %s", i.Platform, want)
	}
	if date, err := i.BuildDate(); err != nil || !date.Equal(committed.Add(6*time.Minute+55*time.Second)) {
		t.Errorf("build date %v, %v", date, err)
	}
	// The date of the commit is one too: it stands in the build information.
	if want := []time.Time{committed, committed.Add(6*time.Minute + 55*time.Second)}; !slices.EqualFunc(i.Dates, want, time.Time.Equal) {
		t.Errorf("dates %v, want %v", i.Dates, want)
	}
}

func TestBuildDate(t *testing.T) {
	t.Parallel()
	commit := time.Date(2025, time.August, 27, 10, 9, 4, 0, time.UTC)
	later, last := commit.Add(time.Minute), commit.Add(time.Hour)
	for _, c := range []struct {
		imprint Imprint
		want    time.Time
		err     string
	}{
		{Imprint{Time: commit, Dates: []time.Time{commit, later}}, later, ""},
		{Imprint{Time: commit, Dates: []time.Time{commit}}, commit, ""},
		{Imprint{Time: commit, Dates: []time.Time{commit, later, last}}, time.Time{}, "one of 2025-08-27T10:10:04Z, 2025-08-27T11:09:04Z"},
		{Imprint{}, time.Time{}, "no version control stamp"},
	} {
		got, err := c.imprint.BuildDate()
		if !got.Equal(c.want) || (err == nil) != (c.err == "") || err != nil && !(errors.Is(err, ErrNoBuildDate) && strings.Contains(err.Error(), c.err)) {
			t.Errorf("%v: %v, %v", c.imprint.Dates, got, err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{text, dir, filepath.Join(dir, "none")} {
		if i, err := Read(t.Context(), path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %+v, %v", path, i, err)
		}
	}
	program, _ := compile(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	cancel(stopped)
	if _, err := Read(ctx, program); !errors.Is(err, stopped) {
		t.Errorf("error %v", err)
	}
}

// FuzzParse feeds damaged programs: an error is right, a crash is not.
func FuzzParse(f *testing.F) {
	f.Add([]byte("\x7fELF"))
	f.Add([]byte("\xff Go buildinf:\x08\x02"))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = parse(bytes.NewReader(data)) })
}

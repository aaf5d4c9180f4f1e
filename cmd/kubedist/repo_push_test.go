package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/bucket"
	"kubedist/pkg/hint"
)

func TestRepoPush(t *testing.T) {
	t.Parallel()
	s := newRepoSession(t)
	to := "file://" + filepath.Join(s.dir, "served")
	s.deb("kubeadm", "1.36.3-1.1", "amd64")
	s.must("add", filepath.Join(s.dir, "debs"), "--suite", "v1.36")
	got := s.must("push", to)
	want := regexp.MustCompile(`^pool                 1 file written, \d+ bytes
keyring and sources  3 files written, \d+ bytes
by-hash              32 files written, \d+ bytes
indices              32 files written, \d+ bytes
Release              2 files written, \d+ bytes
InRelease            1 file written, \d+ bytes
pages                36 files written, \d+ bytes
file://DIR/served: 107 files written \(\d+ bytes\), 0 as they were, 0 removed
$`)
	if !want.MatchString(got) {
		t.Errorf("push says\n%s\nwant\n%s", got, want)
	}
	if got := s.must("push", to); got != "file://DIR/served: 0 files written (0 bytes), 107 as they were, 0 removed\n" {
		t.Errorf("the second push says\n%s", got)
	}
	added := s.deb("kubelet", "1.36.3-1.1", "amd64")
	s.must("add", added, "--suite", "v1.36")
	if got := s.must("push", to, "--dry-run"); !strings.Contains(got, "pool                 1 file to write") || !strings.Contains(got, "\n  dists/v1.36/InRelease\n") {
		t.Errorf("a dry run says\n%s", got)
	}
	lines := strings.Split(strings.TrimSpace(s.must("push", to, "--json")), "\n")
	var end struct {
		Kind   string
		Result bucket.Result
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &end); err != nil || end.Kind != "result" || len(end.Result.Stages) != 6 {
		t.Errorf("the last line is %s, %v", lines[len(lines)-1], err)
	}
	s.now = s.now.Add(time.Hour)
	if out, errs, err := s.run(t.Context(), "verify", "--root", filepath.Join(s.dir, "served")); err != nil {
		t.Errorf("what was pushed: %v\n%s%s", err, out, errs)
	}
}

func TestRepoPushRefuses(t *testing.T) {
	t.Parallel()
	s := newRepoSession(t)
	s.deb("kubeadm", "1.36.3-1.1", "amd64")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"push"}, "takes URL"},
		{[]string{"push", "file:///x", "--root", filepath.Join(s.dir, "nowhere")}, "no such file"},
		{[]string{"push", "ftp://x", "--root", s.dir}, `scheme "ftp"`},
		{[]string{"push", "file:///x", "--force", "all", "--root", s.dir}, "--force all: no such refusal"},
		{[]string{"push", "file:///x", "--lease", "1ms", "--root", s.dir}, "less than a second"},
	} {
		_, _, err := s.run(t.Context(), c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) || exitStatus(err) != exitUsage {
			t.Errorf("%v: got %v, status %d", c.args, err, exitStatus(err))
		} else if hint.Of(err) == "" && !strings.Contains(c.want, "less than") {
			t.Errorf("%v: no hint", c.args)
		}
	}
	_, _, err := s.run(t.Context(), "push", "file://"+filepath.Join(s.dir, "served"), "--root", t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "no suite is published") {
		t.Errorf("pushing nothing: %v", err)
	}
}

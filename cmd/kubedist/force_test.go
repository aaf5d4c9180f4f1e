package main

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/apt"
	"kubedist/pkg/hint"
)

// TestRepoForce meets a refusal, which says how to override it, and overrides it.
func TestRepoForce(t *testing.T) {
	t.Parallel()
	s := newRepoSession(t)
	s.must("add", s.deb("kubeadm", "1.36.2-1.1", "amd64"), s.deb("kubeadm", "1.36.2-1.1", "arm64"))
	half := s.deb("kubeadm", "1.36.3-1.1", "amd64")
	_, _, err := s.run(t.Context(), "add", half, "--root", s.root)
	if exitStatus(err) != exitFailure || !strings.Contains(err.Error(), "refused: architecture: suites v1.36, stable, latest, unstable: kubeadm 1.36.3-1.1: missing for arm64, which have 1.36.2-1.1") {
		t.Errorf("got %v", err)
	}
	if next := hint.Of(err); !strings.HasSuffix(next, "; or publish all the same with: --force architecture") {
		t.Errorf("hint %q", next)
	}
	list, marshalErr := json.Marshal(refusedFor(err))
	if want := `[{"refusal":"architecture","problem":"suites v1.36, stable, latest, unstable: kubeadm 1.36.3-1.1: missing for arm64, which have 1.36.2-1.1"}]`; marshalErr != nil || string(list) != want {
		t.Errorf("got %s, want %s", list, want)
	}
	_, stderr, err := s.run(t.Context(), "add", half, "--force", "architecture,past", "--root", s.root)
	for _, want := range []string{"warning: overridden: architecture: suites v1.36", "warning: override of past: there was nothing to override"} {
		if err != nil || !strings.Contains(stderr, want) {
			t.Errorf("got %v\n%s, want %q", err, stderr, want)
		}
	}
	for _, args := range [][]string{{"add", half}, {"remove", "kubeadm", "--suite", "stable"}, {"publish"}} {
		_, _, err := s.run(t.Context(), append(args, "--force", "everything", "--root", s.root)...)
		if exitStatus(err) != exitUsage || !strings.Contains(err.Error(), `--force: refusal "everything": unknown, there are contents,`) {
			t.Errorf("%v: got %v", args, err)
		}
	}
	if refusedFor(errors.New("x")) != nil {
		t.Error("an error of another kind has refusals")
	}
	if got := refusedFor(&apt.Problem{Refusal: apt.RefuseContents, Err: errors.New("x")}); len(got) != 1 || got[0].Refusal != "contents" {
		t.Errorf("got %v", got)
	}
}

// TestRepoFutureEpoch refuses a SOURCE_DATE_EPOCH that is yet to come: the date of an archive never goes back.
func TestRepoFutureEpoch(t *testing.T) {
	t.Parallel()
	s := newRepoSession(t)
	file := s.deb("kubeadm", "1.36.2-1.1", "amd64")
	epoch := s.now.Add(24 * time.Hour)
	s.env.Getenv = func(name string) string {
		if name == "SOURCE_DATE_EPOCH" {
			return strconv.FormatInt(epoch.Unix(), 10)
		}
		return ""
	}
	if _, _, err := s.run(t.Context(), "add", file, "--root", s.root); err == nil || !strings.Contains(err.Error(), "refused: future-date: date Mon, 23 Nov 2026 10:30:00 UTC: in the future") {
		t.Errorf("got %v", err)
	}
	epoch = s.now.Add(-24 * time.Hour)
	s.must("add", file)
}

// TestRepoRetired says what the rules of a suite let go.
func TestRepoRetired(t *testing.T) {
	t.Parallel()
	s := newRepoSession(t)
	s.must("add", s.deb("kubeadm", "1.35.4-1.1", "amd64"))
	got := s.must("add", s.deb("kubeadm", "1.36.0-1.1", "amd64"))
	want := `added    kubeadm 1.36.0-1.1 amd64: [v1.36 stable latest unstable]
retired  kubeadm 1.35.4-1.1 amd64: latest, by minors
`
	if !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	got = s.must("add", s.deb("kubeadm", "1.35.5-1.1", "amd64"))
	if want := "added    kubeadm 1.35.5-1.1 amd64: [v1.35 stable unstable]\nsuite"; !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestRefusalsHelp names and explains every refusal.
func TestRefusalsHelp(t *testing.T) {
	t.Parallel()
	text := refusalsHelp()
	for _, r := range apt.Refusals() {
		if !strings.Contains(text, "    "+string(r)+" ") || !strings.Contains(text, r.About()) {
			t.Errorf("%s is missing in\n%s", r, text)
		}
	}
}

// TestHintForce adds how to override a refusal, unless its hint leads there itself.
func TestHintForce(t *testing.T) {
	t.Parallel()
	for first, want := range map[string]string{
		"":                         "publish all the same with: --force past,key",
		"name it":                  "name it; or publish all the same with: --force past,key",
		"compare it, --force past": "compare it, --force past",
	} {
		err := error(&apt.RefusedError{Problems: []*apt.Problem{{Refusal: apt.RefusePast, Err: errors.New("x")}, {Refusal: apt.RefuseKey, Err: errors.New("y")}}})
		if first != "" {
			err = hint.With(err, first)
		}
		if got := hint.Of(hintForce(err)); got != want {
			t.Errorf("after %q: got %q, want %q", first, got, want)
		}
	}
}

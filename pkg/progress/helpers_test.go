package progress_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kubedist/pkg/hint"
	"kubedist/pkg/progress"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it)\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

// A virtualClock moves only when told to.
type virtualClock struct {
	mu  sync.Mutex
	now time.Time
}

func newVirtualClock() *virtualClock {
	return &virtualClock{now: time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC)}
}

func (c *virtualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *virtualClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// A screen is the part of a terminal that the renderer uses: text, carriage return, newline, cursor up, erase below and
// colors. It wraps lines at its width as terminals do, and counts the lines that did.
type screen struct {
	mu          sync.Mutex
	width       int
	rows        [][]rune
	row, column int
	wrapped     int
	writes      int
}

func newScreen(width int) *screen { return &screen{width: width, rows: [][]rune{nil}} }

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	for text := string(p); text != ""; {
		if rest, ok := strings.CutPrefix(text, "\x1b["); ok {
			end := strings.IndexAny(rest, "AJm")
			var n int
			switch _, _ = fmt.Sscanf(rest[:end], "%d", &n); rest[end] {
			case 'A':
				s.row = max(s.row-n, 0)
			case 'J':
				s.rows = s.rows[:s.row+1]
				s.rows[s.row] = s.rows[s.row][:s.column]
			}
			text = rest[end+1:]
			continue
		}
		r := []rune(text)[0]
		s.put(r)
		text = text[len(string(r)):]
	}
	return len(p), nil
}

func (s *screen) put(r rune) {
	switch r {
	case '\n':
		s.newline()
		return
	case '\r':
		s.column = 0
		return
	}
	if s.column == s.width {
		s.wrapped++
		s.newline()
	}
	s.rows[s.row] = append(s.rows[s.row][:s.column], r)
	s.column++
}

func (s *screen) newline() {
	if s.row++; s.row == len(s.rows) {
		s.rows = append(s.rows, nil)
	}
	s.column = 0
}

// resize does what xterm-like terminals do: long rows are folded anew.
func (s *screen) resize(width int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.rows
	s.width, s.rows, s.row, s.column = width, [][]rune{nil}, 0, 0
	for i, row := range old {
		if i > 0 {
			s.newline()
		}
		for _, r := range row {
			s.put(r)
		}
	}
	s.wrapped = 0
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out strings.Builder
	for _, row := range s.rows {
		out.WriteString("|" + string(row) + "\n")
	}
	return out.String()
}

var errCompile = hint.Errorf("read the compiler's words", "compiling kubelet: %w",
	errors.New("exit status 1\npkg/kubelet/kubelet.go:12:3: undefined: x"))

// play reports one run of three platforms, with pause between the events. look is called after each of them.
func play(r progress.Reporter, pause func(time.Duration), look func(string)) {
	progress.Plan(r, 4, "release v1.36.3, 3 platforms and the archive")
	look("plan")
	amd64 := progress.Start(r, "linux/amd64", "compile", "kubeadm", "kubelet", "kubectl")
	pause(300 * time.Millisecond)
	arm64 := progress.Start(r, "linux/arm64", "compile", "kubeadm", "kubelet", "kubectl", "kube-proxy", "kube-log-runner", "kubectl-convert")
	look("two started")
	pause(72 * time.Second)
	amd64.Step("package", "kubeadm")
	pause(4500 * time.Millisecond)
	amd64.Warn("control of %s has no homepage", "kubeadm")
	look("a warning")
	progress.Skip(r, "linux/s390x", "nothing changed")
	amd64.Done("5 packages", "3 tarballs")
	look("one done, one skipped")
	pause(time.Hour)
	arm64.Fail(errCompile)
	look("one failed")
	archive := progress.Start(r, "archive", "publish")
	pause(2 * time.Second)
	look("a late start")
	archive.Fail(fmt.Errorf("publishing: %w", errCancelled))
	progress.Note(r, "out/v1.36.3 is incomplete")
	look("the end")
}

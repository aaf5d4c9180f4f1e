package progress_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/progress"
)

// A theatre is a terminal renderer with everything around it made up.
type theatre struct {
	*screen
	progress.Renderer
	clock         *virtualClock
	tick          chan time.Time
	columns, rows int
}

func newTheatre(t *testing.T, columns, rows int, color bool) *theatre {
	t.Helper()
	width := columns
	if width == 0 {
		width = 80 // a terminal that does not know its size
	}
	th := &theatre{screen: newScreen(width), clock: newVirtualClock(), tick: make(chan time.Time), columns: columns, rows: rows}
	r, err := progress.New(th.screen, progress.Options{
		Mode: progress.Terminal, Now: th.clock.Now, Tick: th.tick, Color: color,
		Size: func() (int, int) { return th.columns, th.rows },
	})
	if err != nil {
		t.Fatal(err)
	}
	th.Renderer = r
	return th
}

// pass lets time go by with a tick at the end. The channel has no buffer: when the second tick was taken, the first
// was acted upon.
func (th *theatre) pass(d time.Duration) {
	th.clock.advance(d)
	th.tick <- time.Time{}
	th.tick <- time.Time{}
}

func TestTerminal(t *testing.T) {
	t.Parallel()
	th := newTheatre(t, 80, 24, true)
	var script strings.Builder
	look := func(when string) { fmt.Fprintf(&script, "--- %s\n%s", when, th.screen) }
	play(th, th.pass, look)
	if err := th.Close(); err != nil {
		t.Error(err)
	}
	look("closed")
	golden(t, "terminal.txt", script.String())
}

// Nothing is written while nothing changes.
func TestTerminalIdle(t *testing.T) {
	t.Parallel()
	th := newTheatre(t, 80, 24, false)
	progress.Start(th, "a", "compile")
	before := th.writes
	for range 10 {
		th.pass(time.Millisecond)
	}
	if th.writes != before {
		t.Errorf("%d writes without a change", th.writes-before)
	}
	th.pass(time.Second)
	if th.writes != before+1 {
		t.Errorf("%d writes for one change", th.writes-before)
	}
	if err := th.Close(); err != nil {
		t.Error(err)
	}
}

// Whatever the size of the window, live lines neither wrap nor push each other out.
func TestTerminalSizes(t *testing.T) {
	t.Parallel()
	var script strings.Builder
	for _, size := range [][2]int{{40, 6}, {20, 3}, {5, 1}, {0, 0}} {
		th := newTheatre(t, size[0], size[1], false)
		for i := range 8 {
			progress.Start(th, fmt.Sprintf("linux/arch%d", i), "compile", "kubeadm kubelet kubectl kube-proxy")
		}
		th.pass(65 * time.Second)
		fmt.Fprintf(&script, "--- %d columns, %d rows\n%s", size[0], size[1], th.screen)
		if th.wrapped > 0 {
			t.Errorf("%v: %d lines wrapped", size, th.wrapped)
		}
		if rows := len(th.screen.rows); size[1] > 2 && rows >= size[1] {
			t.Errorf("%v: %d rows taken", size, rows)
		}
		if err := th.Close(); err != nil {
			t.Error(err)
		}
	}
	golden(t, "sizes.txt", script.String())
}

// A window made narrower folds the live lines; the next frame still erases all of them.
func TestTerminalShrinks(t *testing.T) {
	t.Parallel()
	th := newTheatre(t, 80, 24, false)
	progress.Note(th, "before")
	task := progress.Start(th, "linux/amd64", "compile", "kubeadm")
	th.resize(30)
	th.columns = 30
	th.pass(time.Second)
	task.Done()
	if err := th.Close(); err != nil {
		t.Error(err)
	}
	if got, want := th.screen.String(), "|before\n|linux/amd64     done in 1.0s\n|\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestTerminalCloseNamesUnfinished(t *testing.T) {
	t.Parallel()
	th := newTheatre(t, 80, 24, false)
	progress.Plan(th, 2, "two")
	progress.Start(th, "linux/amd64", "compile", "kubelet")
	for range 2 {
		if err := th.Close(); err != nil {
			t.Error(err)
		}
	}
	progress.Note(th, "too late")
	want := "|plan: 2 tasks, two\n|linux/amd64     unfinished: compile kubelet\n|\n"
	if got := th.screen.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

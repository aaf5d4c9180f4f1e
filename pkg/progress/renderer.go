package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// A Mode is a way to render events.
type Mode string

// The modes, by the names that users give them.
const (
	Auto     Mode = "auto"     // Terminal on a terminal, Plain elsewhere
	Terminal Mode = "terminal" // a line for each running task, redrawn in place; finished tasks scroll up
	Plain    Mode = "plain"    // one line for each event
	JSON     Mode = "json"     // one JSON object for each event, see [Record]
	Quiet    Mode = "quiet"    // warnings only, as Plain prints them; failures are for whoever ends the work to print
)

// Options of New. Only Now is required.
type Options struct {
	Mode Mode // "" means Auto
	Now  func() time.Time
	// IsTerminal says that the writer is a terminal, for Auto.
	IsTerminal bool
	// Size returns the terminal's columns and rows, asked for before each frame; nil means 80 by 24.
	Size func() (columns, rows int)
	// Tick makes the Terminal renderer redraw, so that times move on while nothing happens. Without it only events do.
	Tick <-chan time.Time
	// Color allows the Terminal renderer to color words.
	Color bool
}

// ForFile sets IsTerminal and Size from f, which is to be the writer.
func (o Options) ForFile(f *os.File) Options {
	o.IsTerminal = term.IsTerminal(int(f.Fd()))
	o.Size = func() (int, int) {
		columns, rows, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return 0, 0
		}
		return columns, rows
	}
	return o
}

// A Renderer is a Reporter that shows what it receives. Close ends it: it leaves the terminal clean, with a line for
// each task that never ended. Events after Close are dropped.
type Renderer interface {
	Reporter
	io.Closer
}

// New returns the renderer of a mode, writing to w. The only error is a mode it does not know.
func New(w io.Writer, o Options) (Renderer, error) {
	mode := o.Mode
	if mode == "" || mode == Auto {
		mode = Plain
		if o.IsTerminal {
			mode = Terminal
		}
	}
	clock := newClock(o.Now)
	switch mode {
	case Terminal:
		return newTerminal(w, clock, o), nil
	case Plain:
		return &lineRenderer{w: w, clock: clock, format: plainLine}, nil
	case Quiet:
		return &lineRenderer{w: w, clock: clock, format: quietLine}, nil
	case JSON:
		return &lineRenderer{w: w, clock: clock, format: jsonLine}, nil
	}
	return nil, fmt.Errorf("progress mode %q is unknown: it is one of auto, terminal, plain, json and quiet", o.Mode)
}

// A clock completes events with the times that those who report them do not know. It is used under its owner's lock.
type clock struct {
	now   func() time.Time
	begin time.Time
	tasks map[string]taskTimes
}

// taskTimes is when a running task and its current step began.
type taskTimes struct {
	task, step time.Time
	stepName   string
}

func newClock(now func() time.Time) *clock {
	return &clock{now: now, begin: now(), tasks: map[string]taskTimes{}}
}

// A stamped event also knows how long the work runs, and of a task's next step what was before it.
type stamped struct {
	Event
	sinceBegin time.Duration
	lastStep   string
	lastTook   time.Duration
}

// stamp completes e and follows the task's times.
func (c *clock) stamp(e Event) stamped {
	if e.Time.IsZero() {
		e.Time = c.now()
	}
	times, running := c.tasks[e.Task]
	if !running || e.Kind == Started {
		times = taskTimes{task: e.Time, step: e.Time}
	}
	if e.Elapsed == 0 {
		e.Elapsed = e.Time.Sub(times.task)
	}
	s := stamped{Event: e, sinceBegin: e.Time.Sub(c.begin), lastStep: times.stepName, lastTook: e.Time.Sub(times.step)}
	switch e.Kind {
	case Started, Stepped:
		times.step, times.stepName = e.Time, e.Step
		c.tasks[e.Task] = times
	case Done, Skipped, Failed, Stopped:
		delete(c.tasks, e.Task)
	}
	return s
}

// A lineRenderer prints each event at once, as lines that stay.
type lineRenderer struct {
	mu     sync.Mutex
	w      io.Writer
	clock  *clock
	format func(stamped) string // "" for events that are not shown
	closed bool
}

func (l *lineRenderer) Report(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	if text := l.format(l.clock.stamp(e)); text != "" {
		// Progress that nobody can read is no reason to fail the work.
		_, _ = io.WriteString(l.w, text)
	}
}

func (l *lineRenderer) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return nil
}

// oneLine makes text safe to print within a line: control characters, which could move the cursor, become blanks.
func oneLine(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, text))
}

// firstLine returns the first line of an error's text and whether there is more of it. The whole text comes with the
// error itself, at the end of the work.
func firstLine(err error) string {
	if err == nil {
		return ""
	}
	first, rest, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
	if strings.TrimSpace(rest) != "" {
		first += " …"
	}
	return oneLine(first)
}

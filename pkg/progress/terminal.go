package progress

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// The control sequences of ECMA-48 that the terminal renderer uses.
const (
	eraseBelow = "\r\x1b[J" // from the start of the line to the end of the screen
	cursorUp   = "\x1b[%dA"
	red        = "\x1b[31m"
	green      = "\x1b[32m"
	yellow     = "\x1b[33m"
	dim        = "\x1b[2m"
	reset      = "\x1b[0m"
)

// A terminalRenderer keeps a live area at the bottom of the screen: a line for each running task and one for the
// work as a whole. What stays is printed above it.
type terminalRenderer struct {
	mu     sync.Mutex
	w      io.Writer
	clock  *clock
	size   func() (int, int)
	color  bool
	closed bool

	running []liveTask // in the order in which they were started
	total   int        // of the plan, 0 when there is none
	ended   int
	failed  int
	frame   []string // the live area as it stands on the screen
	stop    chan struct{}
	stopped chan struct{}
}

// A liveTask is what the live area shows of a task.
type liveTask struct{ name, doing string }

func newTerminal(w io.Writer, c *clock, o Options) *terminalRenderer {
	t := &terminalRenderer{
		w: w, clock: c, size: o.Size, color: o.Color,
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	go t.follow(o.Tick)
	return t
}

// follow redraws at every tick until Close.
func (t *terminalRenderer) follow(tick <-chan time.Time) {
	defer close(t.stopped)
	for {
		select {
		case <-t.stop:
			return
		case <-tick:
			t.mu.Lock()
			t.draw("")
			t.mu.Unlock()
		}
	}
}

func (t *terminalRenderer) Report(e Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.draw(t.apply(t.clock.stamp(e)))
	}
}

// Close erases the live area, says which tasks never ended, and waits for the goroutine that follows the ticks.
func (t *terminalRenderer) Close() error {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return nil
	}
	t.closed = true
	var left strings.Builder
	for _, task := range t.running {
		left.WriteString(label(task.name) + t.paint(yellow, "unfinished") + ": " + task.doing + "\n")
	}
	t.running, t.total, t.ended = nil, 0, 0
	t.draw(left.String())
	close(t.stop)
	t.mu.Unlock()
	<-t.stopped
	return nil
}

// apply takes an event into the state and returns the lines that stay on the screen because of it.
func (t *terminalRenderer) apply(e stamped) string {
	switch e.Kind {
	case Planned:
		t.total += e.Total
	case Started, Stepped:
		t.setDoing(e.Task, join(oneLine(e.Step), oneLine(e.Message)))
		return ""
	case Done, Skipped, Failed, Stopped:
		t.end(e.Task)
		if e.Kind == Failed {
			t.failed++
		}
	}
	word, rest, _ := strings.Cut(phrase(e), " ")
	text := join(t.paint(colors(e.Kind), word), rest)
	return label(e.Task) + text + "\n"
}

func (t *terminalRenderer) setDoing(name, doing string) {
	for i := range t.running {
		if t.running[i].name == name {
			t.running[i].doing = doing
			return
		}
	}
	t.running = append(t.running, liveTask{name, doing})
}

func (t *terminalRenderer) end(name string) {
	t.ended++
	t.running = slices.DeleteFunc(t.running, func(task liveTask) bool { return task.name == name })
}

// draw replaces the live area in one write: erase the old one, print what stays, print the new one. Without anything
// new to show it writes nothing.
func (t *terminalRenderer) draw(stays string) {
	columns, rows := 80, 24
	if t.size != nil {
		if c, r := t.size(); c > 0 && r > 0 {
			columns, rows = c, r
		}
	}
	frame := t.live(columns, rows)
	if stays == "" && slices.Equal(frame, t.frame) {
		return
	}
	var out strings.Builder
	if len(t.frame) > 0 {
		if up := height(t.frame, columns) - 1; up > 0 {
			fmt.Fprintf(&out, cursorUp, up)
		}
		out.WriteString(eraseBelow)
	}
	out.WriteString(stays)
	// The cursor rests at the end of the last live line: a newline there would scroll on a full screen.
	out.WriteString(strings.Join(frame, "\n"))
	t.frame = frame
	_, _ = io.WriteString(t.w, out.String())
}

// paint colors a word, where colors are allowed and the word has one.
func (t *terminalRenderer) paint(color, text string) string {
	if !t.color || color == "" {
		return text
	}
	return color + text + reset
}

// colors returns the color of a kind's first word, "" for none.
func colors(k Kind) string {
	switch k {
	case Done:
		return green
	case Failed:
		return red
	case Stopped, Warning:
		return yellow
	case Skipped:
		return dim
	}
	return ""
}

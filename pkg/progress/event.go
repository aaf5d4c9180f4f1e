// Package progress carries what long work has to say to whoever watches it, and renders it: redrawn lines on a
// terminal, one line per event elsewhere, JSON for programs, or warnings only.
//
// It knows nothing about the work. Work is a number of tasks (say, platforms) that run beside each other, each in one
// step at a time. Those who do it call [Start] and the methods of [Task]; they need no clock, for the renderer stamps
// events as they arrive. Nothing here can make the work fail: a renderer whose writer is broken stays silent.
package progress

import "time"

// A Kind says what an Event reports.
type Kind string

// The kinds of events. The words are part of the JSON format and do not change.
const (
	Planned Kind = "plan"    // Total tasks are going to run
	Started Kind = "start"   // Task begins with Step
	Stepped Kind = "step"    // Task goes on with the next Step
	Done    Kind = "done"    // Task is finished
	Skipped Kind = "skipped" // Task had nothing to do: it was done before
	Failed  Kind = "failed"  // Task ended with Err
	Stopped Kind = "stopped" // Task was ended from outside: interrupted, or another task failed
	Warning Kind = "warning" // something to look at, which stops nothing
	Notice  Kind = "notice"  // something to know
)

// An Event is one thing that happened. Fields that its kind does not need are zero.
type Event struct {
	Time    time.Time     // when; the renderer fills it in when it is zero
	Kind    Kind          // what
	Task    string        // which task, "linux/arm64"; empty for the work as a whole
	Step    string        // what the task does from now on (Started, Stepped) or did last, "compile"
	Message string        // details for people
	Elapsed time.Duration // since the task was started; the renderer fills it in when it is zero
	Total   int           // number of tasks (Planned)
	Err     error         // why (Failed, Stopped)
}

// A Reporter receives events. Implementations are safe for concurrent use and return quickly.
type Reporter interface {
	Report(Event)
}

// Discard is a Reporter that drops everything, for callers that do not watch. A nil Reporter does the same wherever
// this package takes one.
type Discard struct{}

// Report does nothing.
func (Discard) Report(Event) {}

// report passes e on unless nobody listens.
func report(r Reporter, e Event) {
	if r != nil {
		r.Report(e)
	}
}

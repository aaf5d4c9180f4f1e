package progress

import (
	"encoding/json"
	"time"

	"kubedist/pkg/hint"
)

// A Record is an Event as JSON, one object in a line. Fields are only ever added; readers should ignore those that they
// do not know.
type Record struct {
	Time    string  `json:"time"`              // RFC 3339, UTC, with milliseconds
	Kind    Kind    `json:"kind"`              // plan, start, step, done, skipped, failed, stopped, warning or notice
	Task    string  `json:"task,omitempty"`    // absent for the work as a whole
	Step    string  `json:"step,omitempty"`    // the step that begins or, at the end of a task, that was the last
	Message string  `json:"message,omitempty"` // for people
	Elapsed float64 `json:"elapsed,omitempty"` // seconds since the task was started
	Total   int     `json:"total,omitempty"`   // number of tasks of a plan
	Error   string  `json:"error,omitempty"`   // the whole text; may hold newlines
	Hint    string  `json:"hint,omitempty"`    // what to do about the error
}

// recordTime is RFC 3339 with a fixed number of digits, so that records sort as text.
const recordTime = "2006-01-02T15:04:05.000Z07:00"

// NewRecord converts an event.
func NewRecord(e Event) Record {
	r := Record{
		Time: e.Time.UTC().Format(recordTime), Kind: e.Kind, Task: e.Task, Step: e.Step, Message: e.Message,
		Elapsed: e.Elapsed.Round(time.Millisecond).Seconds(), Total: e.Total,
	}
	if e.Err != nil {
		r.Error = e.Err.Error()
		r.Hint = hint.Of(e.Err)
	}
	return r
}

// jsonLine is an event as a line of JSON.
func jsonLine(e stamped) string {
	line, err := json.Marshal(NewRecord(e.Event))
	if err != nil {
		// Strings and finite numbers always marshal.
		panic("progress: " + err.Error())
	}
	return string(line) + "\n"
}

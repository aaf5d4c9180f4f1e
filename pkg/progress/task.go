package progress

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// A Task is one of the things that run beside each other. Its methods may be called from any goroutine, though not at
// the same time; after Done, Skip or Fail no more of them should be.
type Task struct {
	reporter Reporter
	name     string
	step     string
}

// Plan announces how many tasks will be started, with a summary for people.
func Plan(r Reporter, total int, format string, args ...any) {
	report(r, Event{Kind: Planned, Total: total, Message: fmt.Sprintf(format, args...)})
}

// Start reports that the task called name begins with step. The details, such as the names of what is compiled, are
// for people; they are joined by blanks.
func Start(r Reporter, name, step string, details ...string) *Task {
	report(r, Event{Kind: Started, Task: name, Step: step, Message: strings.Join(details, " ")})
	return &Task{reporter: r, name: name, step: step}
}

// Skip reports that the task called name, which was not started, has nothing to do, and why.
func Skip(r Reporter, name, why string) {
	report(r, Event{Kind: Skipped, Task: name, Message: why})
}

// Step reports that the task goes on with another step.
func (t *Task) Step(step string, details ...string) {
	t.step = step
	t.report(Stepped, strings.Join(details, " "), nil)
}

// Done reports that the task is finished. The results, such as "5 packages", are for people; they become a list.
func (t *Task) Done(results ...string) { t.report(Done, strings.Join(results, ", "), nil) }

// Skip reports that the task, once started, found nothing to do, and why.
func (t *Task) Skip(why string) { t.report(Skipped, why, nil) }

// Fail reports that the task ended with err. When err is a cancelled context's the task was stopped, not to blame.
func (t *Task) Fail(err error) {
	kind := Failed
	if errors.Is(err, context.Canceled) {
		kind = Stopped
	}
	t.report(kind, "", err)
}

// End is Fail for an error and Done for none: `defer func() { task.End(err) }()`.
func (t *Task) End(err error) {
	if err != nil {
		t.Fail(err)
		return
	}
	t.Done()
}

// Warn reports something about the task that should be looked at.
func (t *Task) Warn(format string, args ...any) {
	t.report(Warning, fmt.Sprintf(format, args...), nil)
}

func (t *Task) report(kind Kind, message string, err error) {
	report(t.reporter, Event{Kind: kind, Task: t.name, Step: t.step, Message: message, Err: err})
}

// Warn reports something about the work as a whole that should be looked at.
func Warn(r Reporter, format string, args ...any) {
	report(r, Event{Kind: Warning, Message: fmt.Sprintf(format, args...)})
}

// Note reports something about the work as a whole that is good to know.
func Note(r Reporter, format string, args ...any) {
	report(r, Event{Kind: Notice, Message: fmt.Sprintf(format, args...)})
}

package progress

import (
	"fmt"
	"strings"
	"time"
)

// plainLine is an event as one line: the time since the beginning, the task, what happened.
func plainLine(e stamped) string {
	words := []string{fmt.Sprintf("%8s ", seconds(e.sinceBegin))}
	if e.Task != "" {
		words = append(words, oneLine(e.Task))
	}
	return strings.Join(append(words, phrase(e)), " ") + "\n"
}

// quietLine is plainLine for what goes wrong and nothing for the rest.
func quietLine(e stamped) string {
	if e.Kind != Warning {
		return ""
	}
	return strings.TrimLeft(plainLine(e), " ")
}

// phrase says what happened, without saying to which task.
func phrase(e stamped) string {
	message := oneLine(e.Message)
	switch e.Kind {
	case Planned:
		return join("plan:", join(plural(e.Total, "task")+",", message))
	case Started:
		return join(oneLine(e.Step), message) + " …"
	case Stepped:
		text := join(oneLine(e.Step), message) + " …"
		if e.lastStep != "" {
			text += fmt.Sprintf(" (%s took %s)", oneLine(e.lastStep), duration(e.lastTook))
		}
		return text
	case Done:
		return joinWith(": ", "done in "+duration(e.Elapsed), message)
	case Skipped:
		return joinWith(": ", "skipped", message)
	case Failed:
		return join("failed", join("after "+duration(e.Elapsed)+" in", oneLine(e.Step))) + ": " + firstLine(e.Err)
	case Stopped:
		return join("stopped after "+duration(e.Elapsed)+" in", oneLine(e.Step))
	case Warning:
		return "warning: " + message
	}
	return message
}

// join puts a blank between two words unless one is empty.
func join(a, b string) string { return joinWith(" ", a, b) }

func joinWith(separator, a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + separator + b
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// seconds prints a time on the log's own axis: "12.3s" up to a minute, "3m12.3s" after that.
func seconds(d time.Duration) string {
	d = d.Round(100 * time.Millisecond)
	tenths := d / (100 * time.Millisecond)
	if tenths < 600 {
		return fmt.Sprintf("%d.%ds", tenths/10, tenths%10)
	}
	if d < time.Hour {
		return fmt.Sprintf("%dm%02d.%ds", tenths/600, tenths/10%60, tenths%10)
	}
	return fmt.Sprintf("%dh%02dm%02ds", tenths/36000, tenths/600%60, tenths/10%60)
}

// duration prints how long something took, as exactly as people care to know: "0.4s", "12s", "3m12s", "1h02m".
func duration(d time.Duration) string {
	if d < 10*time.Second {
		return seconds(d)
	}
	s := int64(d.Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	}
	return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
}

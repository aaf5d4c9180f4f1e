package progress

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// live composes the live area: at most rows-1 lines of at most columns-1 characters, so that nothing wraps or scrolls.
func (t *terminalRenderer) live(columns, rows int) []string {
	if len(t.running) == 0 && (t.total == 0 || t.ended >= t.total) {
		return nil
	}
	now := t.clock.now()
	shown := t.running
	if room := max(rows-2, 1); len(shown) > room {
		shown = shown[:room-1]
	}
	var lines []string
	for _, task := range shown {
		elapsed := clockTime(now.Sub(t.clock.tasks[task.name].task))
		lines = append(lines, fit(label(task.name)+task.doing, elapsed, columns-1))
	}
	if more := len(t.running) - len(shown); more > 0 {
		lines = append(lines, fit(fmt.Sprintf("and %d more", more), "", columns-1))
	}
	return append(lines, fit(t.summary(), clockTime(now.Sub(t.clock.begin)), columns-1))
}

// summary is the last live line.
func (t *terminalRenderer) summary() string {
	var parts []string
	if t.total > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d done", t.ended, max(t.total, t.ended+len(t.running))))
	} else {
		parts = append(parts, fmt.Sprintf("%d done", t.ended))
	}
	if t.failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", t.failed))
	}
	return strings.Join(append(parts, fmt.Sprintf("%d running", len(t.running))), ", ")
}

// labelWidth is the column in which texts begin, wide enough for every platform's name.
const labelWidth = 16

// label is the beginning of a line about a task.
func label(name string) string {
	if name = oneLine(name); name == "" {
		return ""
	}
	return name + strings.Repeat(" ", max(labelWidth-utf8.RuneCountInString(name), 1))
}

// fit cuts left so that it and right, set flush right, take width characters.
func fit(left, right string, width int) string {
	room := width - utf8.RuneCountInString(right)
	if right != "" {
		room -= 2
	}
	if room < 1 {
		return cut(left, width)
	}
	left = cut(left, room)
	if right == "" {
		return left
	}
	return left + strings.Repeat(" ", width-utf8.RuneCountInString(left)-utf8.RuneCountInString(right)) + right
}

// cut shortens text to width characters, the last of which is then an ellipsis.
func cut(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	if width < 1 {
		return ""
	}
	return string(runes[:width-1]) + "…"
}

// height returns how many rows lines take on a screen of so many columns. They take more than one each after the
// window was made narrower.
func height(lines []string, columns int) int {
	rows := 0
	for _, line := range lines {
		rows += max(1, (utf8.RuneCountInString(line)+columns-1)/columns)
	}
	return rows
}

// clockTime prints a time that runs, in whole seconds: "0:04", "12:30", "1:02:03".
func clockTime(d time.Duration) string {
	s := int64(d / time.Second)
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

package changes

import (
	"fmt"
	"regexp"
	"strings"
)

// Entry is the first entry of a changelog (Policy 4.4, deb-changelog(5)).
type Entry struct {
	Distribution string
	Urgency      string
	lines        []string // from its heading to its last change, without blank lines at the end
}

var heading = regexp.MustCompile(`^([a-z0-9][a-z0-9+.-]*) \(([^ ()]+)\) ([A-Za-z0-9.+-]+(?: [A-Za-z0-9.+-]+)*);(?:.*, *)? *urgency=([a-z]+)(?:,.*)?$`)

// ParseEntry reads the first entry of a changelog, which has to be that of a source package at a version.
func ParseEntry(changelog, source, version string) (Entry, error) {
	all := strings.Split(changelog, "\n")
	m := heading.FindStringSubmatch(all[0])
	if m == nil {
		return Entry{}, fmt.Errorf("changelog of %s: %.80q is no heading (deb-changelog(5))", source, all[0])
	}
	if m[1] != source || m[2] != version {
		return Entry{}, fmt.Errorf("changelog of %s %s: begins with %s %s", source, version, m[1], m[2])
	}
	e := Entry{Distribution: m[3], Urgency: m[4]}
	for i, line := range all {
		if strings.HasPrefix(line, " -- ") {
			for len(e.lines) > 0 && e.lines[len(e.lines)-1] == "" {
				e.lines = e.lines[:len(e.lines)-1]
			}
			return e, nil
		}
		line = strings.TrimRight(line, " \t\r")
		if i > 0 && line != "" && !strings.HasPrefix(line, "  ") {
			return Entry{}, fmt.Errorf("changelog of %s: line %d is neither change nor trailer", source, i+1)
		}
		e.lines = append(e.lines, line)
	}
	return Entry{}, fmt.Errorf("changelog of %s: its first entry has no trailer", source)
}

// text is the entry as the field Changes has it: blank lines are dots.
func (e Entry) text() []string {
	var list []string
	for _, line := range e.lines {
		if line == "" {
			line = "."
		}
		list = append(list, line)
	}
	return list
}

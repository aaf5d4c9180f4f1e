package page

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// LongList is the text that `ls -lR --time-style=long-iso` prints in the C locale and in UTC (GNU coreutils), which
// archives offer to mirrors as ls-lR: a section for each directory. It leaves out what the archive does not have:
// owners are all root, each file has one name, and a directory is 4096 bytes long wherever it lies.
type LongList struct {
	sections map[string][]byte // by directory; "." is the root
}

// directorySize is the size in bytes that a directory is listed with.
const directorySize = 4096

// ParseLongList reads what [LongList.Text] wrote, by sections. A section without a directory's name or without anything after it, or
// a directory that is there twice, is an error. An empty text is an empty list.
func ParseLongList(text []byte) (*LongList, error) {
	l := &LongList{sections: map[string][]byte{}}
	for len(text) > 0 {
		section, rest, _ := bytes.Cut(text, []byte("\n\n"))
		head, body, found := bytes.Cut(section, []byte(":\n"))
		name, isPath := strings.CutPrefix(string(head), "./")
		if !isPath && name != "." || name == "" || !found || len(body) == 0 || bytes.IndexByte(head, '\n') >= 0 {
			return nil, fmt.Errorf("section %q names no directory", head[:min(len(head), 100)])
		}
		if _, twice := l.sections[name]; twice {
			return nil, fmt.Errorf("directory %q is listed twice", name)
		}
		l.sections[name] = append(bytes.TrimSuffix(body, []byte("\n")), '\n')
		text = rest
	}
	return l, nil
}

// Set replaces the section of a directory.
func (l *LongList) Set(d *Directory) {
	if l.sections == nil {
		l.sections = map[string][]byte{}
	}
	var total int64
	width := 1
	for _, e := range d.Entries {
		total += (e.listedSize() + 1023) / 1024
		width = max(width, len(strconv.FormatInt(e.listedSize(), 10)))
	}
	b := fmt.Appendf(nil, "total %d\n", total)
	for _, e := range d.Entries {
		kind, perm := byte('-'), e.Mode.Perm()
		switch {
		case e.Mode.IsDir():
			kind = 'd'
		case e.Mode&fs.ModeSymlink != 0:
			kind, perm = 'l', 0o777
		}
		b = append(b, kind)
		b = append(b, perm.String()[1:]...)
		b = fmt.Appendf(b, " 1 root root %*d %s %s", width, e.listedSize(), e.Time.UTC().Format("2006-01-02 15:04"), oneLine(e.Name))
		if e.Target != "" {
			b = append(b, " -> "+oneLine(e.Target)...)
		}
		b = append(b, '\n')
	}
	l.sections[oneLine(d.Path)] = b
}

// Remove drops the section of a directory, and of all below it.
func (l *LongList) Remove(path string) {
	path = oneLine(path)
	for name := range l.sections {
		if name == path || strings.HasPrefix(name, path+"/") {
			delete(l.sections, name)
		}
	}
}

// Text writes the list: each directory before those in it.
func (l *LongList) Text() []byte {
	names := make([]string, 0, len(l.sections))
	size := 0
	for name, section := range l.sections {
		names = append(names, name)
		size += len(name) + len(section) + 5
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(sortKey(a), sortKey(b)) })
	b := make([]byte, 0, size)
	for i, name := range names {
		if i > 0 {
			b = append(b, '\n')
		}
		if name != "." {
			b = append(b, "./"...)
		}
		b = append(b, name...)
		b = append(b, ":\n"...)
		b = append(b, l.sections[name]...)
	}
	return b
}

// sortKey puts the root first, and what lies in a directory right after it: a slash comes before all that may stand in a
// name.
func sortKey(path string) string {
	if path == "." {
		return ""
	}
	return strings.ReplaceAll(path, "/", "\x00")
}

// listedSize is the size in bytes that an entry is listed with.
func (e Entry) listedSize() int64 {
	if e.Mode.IsDir() {
		return directorySize
	}
	return e.Size
}

// oneLine shows a question mark for what would break the text apart, as `ls -q` does.
func oneLine(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, name)
}

package bindiff

import (
	"debug/buildinfo"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
)

// maxLines bounds the entries of a build information; kubelet has 200.
const maxLines = 1 << 14

// BuildInfo returns the build information of the Go program at path, as `go version -m` shows it, a line per entry. That
// it has none is an error.
func BuildInfo(path string) ([]string, error) {
	p, err := open(path)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	entries, err := readBuildInfo(p)
	if err != nil {
		return nil, fmt.Errorf("build information of %s: %w", path, err)
	}
	lines := make([]string, len(entries))
	for i, e := range entries {
		lines[i] = e.key + " " + e.text
	}
	return lines, nil
}

// entry is one line of a build information.
type entry struct{ key, text string }

func readBuildInfo(r io.ReaderAt) (entries []entry, err error) {
	defer guard(&err)
	info, err := buildinfo.Read(r)
	if err != nil {
		return nil, err
	}
	if len(info.Deps)+len(info.Settings) > maxLines {
		return nil, fmt.Errorf("more than %d lines", maxLines)
	}
	entries = []entry{{"go", info.GoVersion}, {"path", info.Path}, {"mod", module(&info.Main)}}
	for _, m := range info.Deps {
		entries = append(entries, entry{"dep " + m.Path, module(m)})
	}
	for _, s := range info.Settings {
		entries = append(entries, entry{"build " + s.Key, s.Value})
	}
	return entries, nil
}

// module describes a module with what replaces it.
func module(m *debug.Module) string {
	text := strings.TrimSpace(m.Path + " " + m.Version + " " + m.Sum)
	if m.Replace != nil {
		text += " => " + module(m.Replace)
	}
	return text
}

// buildInfo notes the lines that differ.
func (d *Difference) buildInfo(p [2]*program) {
	var all [2][]entry
	var of [2]map[string]string
	for i := range p {
		entries, err := readBuildInfo(p[i])
		if err != nil {
			d.note("%s: build information: %v", p[i].name, err)
			return
		}
		all[i], of[i] = entries, map[string]string{}
		for _, e := range entries {
			of[i][e.key] = e.text
		}
	}
	seen := map[string]bool{}
	for _, e := range append(all[0], all[1]...) {
		if texts := [2]string{of[0][e.key], of[1][e.key]}; !seen[e.key] && texts[0] != texts[1] {
			d.BuildInfo = append(d.BuildInfo, Line{Key: e.key, Texts: texts})
		}
		seen[e.key] = true
	}
}

package release

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"kubedist/pkg/platform"
	"kubedist/pkg/spec"
)

// addPrograms adds the programs of b to the compile of its source and way of linking, or a compile of its own for one in C.
func (pl *planner) addPrograms(p *Platform, b spec.Binary, tool bool) error {
	if b.C != nil {
		p.Compiles = append(p.Compiles, Compile{Source: b.Source, Link: b.Link, C: true, Programs: []Program{{Binary: b.Name, Name: b.Name}}})
		return nil
	}
	mains := []string{b.Main}
	if len(b.Find) > 0 {
		mains = pl.in.Found[b.Name][p.ID.OS]
		if len(mains) == 0 {
			return fmt.Errorf("binary %s: no main package under %s for %s", b.Name, strings.Join(b.Find, ", "), p.ID)
		}
	}
	want := Compile{Source: b.Source, Link: pl.profile.LinkOf(b, pl.in.Versions[b.Source], p.ID)}
	if source, _ := pl.spec.Source(b.Source); source.Primary() {
		want.BuildDate, _ = pl.in.Known.BuildDate(b)
	}
	if tool {
		want.Link = b.Link // it runs here and is not released
	}
	i := slices.IndexFunc(p.Compiles, func(c Compile) bool {
		return !c.C && c.Source == want.Source && c.Link == want.Link && c.BuildDate.Equal(want.BuildDate)
	})
	if i < 0 {
		p.Compiles = append(p.Compiles, want)
		i = len(p.Compiles) - 1
	}
	for _, main := range mains {
		name := b.Name
		if len(b.Find) > 0 {
			name = path.Base(main)
		}
		p.Compiles[i].Programs = append(p.Compiles[i].Programs, Program{Binary: b.Name, Name: name, Main: main, Tool: tool})
	}
	return nil
}

// programsOf returns the released programs that come of what the spec calls binary.
func programsOf(compiles []Compile, binary string) []Program {
	var list []Program
	for _, c := range compiles {
		for _, p := range c.Programs {
			if p.Binary == binary && !p.Tool {
				list = append(list, p)
			}
		}
	}
	return list
}

// addTools sees to it that every program that writes a document or names images is compiled for the building machine: beside the
// programs that are released for that platform, so that what they share is compiled once.
func (pl *planner) addTools(plan *Plan) error {
	var names []string
	var tools []spec.Binary
	for _, name := range plan.Documents {
		d, _ := pl.spec.Document(name)
		names = append(names, d.Binary)
	}
	for _, c := range plan.Coverage {
		names = append(names, c.Binary)
	}
	for _, name := range names {
		b, _ := pl.spec.Binary(name)
		if !slices.ContainsFunc(tools, func(t spec.Binary) bool { return t.Name == b.Name }) {
			tools = append(tools, b)
		}
	}
	if len(tools) == 0 {
		return nil
	}
	i := slices.IndexFunc(plan.Platforms, func(p Platform) bool { return p.ID == pl.sel.Host })
	if i < 0 {
		host := Platform{Platform: platform.Platform{ID: pl.sel.Host}, Name: pl.sel.Host.String(), Compiles: []Compile{}, Packages: []Package{}, Tarballs: []Tarball{}}
		if p, ok := pl.spec.Platform(pl.sel.Host); ok {
			host.Platform = p.Platform
		}
		plan.Platforms = slices.Insert(plan.Platforms, 0, host)
		i = 0
	}
	for _, b := range tools {
		if len(programsOf(plan.Platforms[i].Compiles, b.Name)) > 0 {
			continue
		}
		if err := pl.addPrograms(&plan.Platforms[i], b, true); err != nil {
			return err
		}
	}
	return nil
}

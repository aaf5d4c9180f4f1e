package release

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Write prints the plan for people: a block per platform with what is compiled, packaged and tarred.
func (p *Plan) Write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "release %s\n", p.Version)
	for _, platform := range p.Platforms {
		fmt.Fprintf(t, "\n%s\n", platform.Name)
		for _, c := range platform.Compiles {
			var names []string
			for _, program := range c.Programs {
				name := program.Name
				if program.Tool {
					name += " (tool)"
				}
				names = append(names, name)
			}
			language := ""
			if c.C {
				language = ", C"
			}
			fmt.Fprintf(t, "  compile\t%s\t%s, %s%s\n", c.Source, strings.Join(names, " "), c.Link, language)
		}
		for _, pkg := range platform.Packages {
			fmt.Fprintf(t, "  package\t%s\t%s\n", pkg.Name, pkg.File())
			if len(pkg.Relations.Depends) > 0 {
				fmt.Fprintf(t, "  \t\tdepends on %s\n", strings.Join(pkg.Relations.Depends, ", "))
			}
		}
		for _, i := range platform.Images {
			fmt.Fprintf(t, "  image\t%s\t%s\n", i.Reference, strings.Join(i.Programs, " "))
		}
		writeTarballs(t, platform.Tarballs)
	}
	if len(p.Tarballs) > 0 {
		fmt.Fprintf(t, "\nall platforms\n")
		writeTarballs(t, p.Tarballs)
	}
	if len(p.Documents) > 0 {
		fmt.Fprintf(t, "\ndocuments, made once\n  %s\n", strings.Join(p.Documents, " "))
	}
	return t.Flush()
}

func writeTarballs(w io.Writer, list []Tarball) {
	for _, b := range list {
		fmt.Fprintf(w, "  tarball\t%s\t%s\n", b.Name, strings.Join(append(slices.Clone(b.Programs), tars(b.Images)...), " "))
		if len(b.Missing) > 0 {
			fmt.Fprintf(w, "  \t\twithout %s\n", strings.Join(b.Missing, " "))
		}
	}
}

// tars names the files of images in a tarball.
func tars(images []string) []string {
	var names []string
	for _, name := range images {
		names = append(names, name+".tar")
	}
	return names
}

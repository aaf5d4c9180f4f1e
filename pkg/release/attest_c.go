package release

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"kubedist/pkg/sbom"
)

// cProgram tells what a program in C is made of: its own files, and the static libraries of the tool chain.
func (a *attestor) cProgram(x Artifact, known cProgram) (*sbom.CProgram, error) {
	source, _ := a.Spec.Source(x.Source)
	c := &sbom.CProgram{
		Name: x.Name, Version: known.version, License: source.License,
		Info: strings.Join(known.spec.C.Files, ", ") + " of " + source.Module + " " + a.trees[x.Source].Stamp.Version,
	}
	for _, f := range known.source.Files {
		c.Sources = append(c.Sources, sbom.Content{Name: path.Join("source", x.Source, f.Name), SHA1: f.SHA1, SHA256: f.SHA256})
	}
	at := slices.IndexFunc(a.plan.Platforms, func(p Platform) bool { return p.Name == x.Platform })
	if at < 0 {
		return nil, fmt.Errorf("%s: platform %s is not in the plan", x.Path, x.Platform)
	}
	// Nobody but the user knows what a compiler of the user's own links.
	if a.compilers.own[x.Platform] != "" {
		return c, nil
	}
	toolchain := a.compilers.roots[known.spec.C.Toolchain].toolchain
	for _, p := range toolchain.Libraries(a.plan.Platforms[at].Debian) {
		c.Libraries = append(c.Libraries, sbom.Library{
			Name: p.Package, Version: p.Version, Architecture: p.Architecture, SHA256: p.SHA256, Info: "static libraries of the C tool chain of Debian " + toolchain.Suite,
		})
	}
	return c, nil
}

package release

import (
	"context"
	"fmt"
	"path/filepath"

	"kubedist/pkg/build"
	"kubedist/pkg/source"
	"kubedist/pkg/spec"
)

// cProgram is what is known of a program in C before it is compiled.
type cProgram struct {
	spec    spec.Binary
	version string         // its own
	source  *build.CSource // with its flags as they are for this version
}

// readCProgram reads version and files of the program that c compiles, once for all platforms.
func (r *run) readCProgram(c Compile) error {
	name := c.Programs[0].Binary
	if _, ok := r.compilers.c[name]; ok {
		return nil
	}
	b, _ := r.Spec.Binary(name)
	tree := r.trees[b.Source]
	p := cProgram{spec: b, version: tree.Stamp.Version}
	var err error
	if v := b.C.Version; v != nil {
		if p.version, err = source.Read(r.trees[r.primary()], v.File, v.Match); err != nil {
			return fmt.Errorf("version of %s: %w", name, err)
		}
	}
	var flags []string
	for _, flag := range b.C.Flags {
		expanded, err := expand(flag, map[string]string{"Version": p.version})
		if err != nil {
			return fmt.Errorf("flags of %s: %w", name, err)
		}
		flags = append(flags, expanded)
	}
	if p.source, err = build.ReadCSource(tree.Dir, b.C.Files, flags); err != nil {
		return fmt.Errorf("source of %s: %w", name, err)
	}
	r.compilers.c[name] = p
	return nil
}

// compileC compiles a program in C and notes it.
func (r *run) compileC(ctx context.Context, p Platform, c Compile) ([]built, error) {
	program := c.Programs[0]
	known := r.compilers.c[program.Binary]
	dest := filepath.Join(r.Dir(), "bin", filepath.FromSlash(p.ID.Dir()), p.ID.Executable(program.Name))
	result, err := r.cCompiler.Compile(ctx, build.Job{
		Name: p.Name + " " + program.Name + " in C", Dir: r.trees[c.Source].Dir, Platform: p.Platform, Anew: r.Anew,
		Cgo: r.compilerOf(p, c), C: known.source, Programs: []build.Program{{Name: program.Name, Dest: dest}},
	})
	if err != nil {
		return nil, err
	}
	if !result.Reused {
		r.worked.Store(true)
	}
	r.artifacts.add(Artifact{Kind: Binary, Name: program.Name, Version: known.version, Platform: p.Name, Source: c.Source}, result.Files[0])
	return []built{{program, result.Files[0]}}, nil
}

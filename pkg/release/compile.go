package release

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"kubedist/pkg/build"
	"kubedist/pkg/source"
	"kubedist/pkg/spec"
)

// compile runs one go build of the plan, or one C compiler, and notes the programs that are released.
func (r *run) compile(ctx context.Context, p Platform, c Compile) ([]built, error) {
	if c.C {
		return r.compileC(ctx, p, c)
	}
	tree := r.trees[c.Source]
	job, err := r.job(p, c, tree)
	if err != nil {
		return nil, err
	}
	result, err := r.compiler.Compile(ctx, job)
	if err != nil {
		return nil, err
	}
	if !result.Reused {
		r.worked.Store(true)
	}
	var programs []built
	for i, program := range c.Programs {
		programs = append(programs, built{program, result.Files[i]})
		if !program.Tool {
			r.artifacts.add(Artifact{Kind: Binary, Name: program.Name, Version: tree.Stamp.Version, Platform: p.Name, Source: c.Source, Main: program.Main, BuildDate: c.BuildDate}, result.Files[i])
		}
	}
	return programs, nil
}

// label names the programs, or where they are many their source and number.
func (c Compile) label() string {
	if len(c.Programs) > 4 {
		return c.Source + " (" + strconv.Itoa(len(c.Programs)) + " programs)"
	}
	var names []string
	for _, program := range c.Programs {
		names = append(names, program.Name)
	}
	return strings.Join(names, " ")
}

// job words a compile of the plan as a go build.
func (r *run) job(p Platform, c Compile, tree *source.Tree) (build.Job, error) {
	s, _ := r.Spec.Source(c.Source)
	stamp, name := tree.Stamp, p.Name+" "+c.Source+" "+string(c.Link)
	if !c.BuildDate.IsZero() {
		stamp.BuildDate = c.BuildDate
		name += " " + c.BuildDate.UTC().Format(time.RFC3339)
	}
	ldflags, err := linkerFlags(s.Build, stamp)
	if err != nil {
		return build.Job{}, err
	}
	job := build.Job{
		Name: name, Module: tree.Module, Dir: tree.Dir, Tree: tree.Digest, Toolchain: tree.Toolchain, GoVersion: r.goVersions[c.Source],
		Env: tree.Env(), Platform: p.Platform, Tags: s.Build.Tags, Ldflags: ldflags, VCS: versionControl(tree), Anew: r.Anew,
		// The last platform has the machine to itself for most of its time.
		Shared: p.Name != r.plan.Platforms[len(r.plan.Platforms)-1].Name,
	}
	if c.Link == spec.CLinked {
		job.Cgo = r.compilerOf(p, c)
	} else {
		job.Suffix = s.Build.InstallSfx
	}
	for _, program := range c.Programs {
		// bin/linux/armv7/kubeadm; the programs of a group share a directory of their own.
		dir := filepath.Join(r.Dir(), "bin", filepath.FromSlash(p.ID.Dir()))
		if b, _ := r.Spec.Binary(program.Binary); len(b.Find) > 0 {
			dir = filepath.Join(dir, program.Binary)
		}
		if program.Tool {
			dir = filepath.Join(r.ledger.Dir(), "tools")
		}
		job.Programs = append(job.Programs, build.Program{Name: build.FileName(program.Main), Main: program.Main, Dest: filepath.Join(dir, p.ID.Executable(program.Name))})
	}
	return job, nil
}

// linkerFlags is the value of -ldflags that stamps programs: each variable as -X 'SYMBOL=VALUE', then two blanks and
// the rest, for all packages, exactly as the official builds write it.
func linkerFlags(b spec.Build, stamp source.Stamp) (string, error) {
	data := map[string]string{
		"Version": stamp.Version, "Commit": stamp.Commit, "TreeState": stamp.TreeState,
		"BuildDate": stamp.BuildDate.UTC().Format(time.RFC3339), "Major": stamp.Major(), "Minor": stamp.Minor(),
	}
	var set []string
	for _, variable := range b.Variables {
		expanded, err := expand(variable, data)
		if err != nil {
			return "", err
		}
		set = append(set, "-X '"+expanded+"'")
	}
	return "all=" + strings.Join(set, " ") + "  " + b.Ldflags, nil
}

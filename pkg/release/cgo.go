package release

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kubedist/pkg/build"
	"kubedist/pkg/buildroot"
	"kubedist/pkg/hint"
	"kubedist/pkg/mirror"
	"kubedist/pkg/progress"
	"kubedist/pkg/source"
	"kubedist/pkg/spec"
)

// compilers are what compiles C in a run: for the programs that a profile links with the C library, and for those that are
// written in C.
type compilers struct {
	own    map[string]string   // by platform: what an own compiler of the user is
	roots  map[string]*rooted  // by suite: the tool chains that are used
	linked map[string]string   // by source: the suite whose C library its programs are linked with
	c      map[string]cProgram // by program: what is known of those in C
}

// rooted is a tool chain with the root that its compilers lie in.
type rooted struct {
	*buildroot.Root
	toolchain spec.Toolchain
}

// origin identifies the compilers of the tool chain.
func (r *rooted) origin() string {
	return "tool chain " + r.toolchain.Suite + " " + r.toolchain.Digest()
}

// hintCompilers says what to do where a tool chain does not help.
const hintCompilers = "bring C compilers of your own, such as CC_linux_arm64=aarch64-linux-gnu-gcc"

// needsC reports whether a C compiler takes part in c.
func (c Compile) needsC() bool { return c.C || c.Link == spec.CLinked }

// openCompilers finds what compiles C for each platform of the plan, before anything is compiled.
func (r *run) openCompilers(ctx context.Context) error {
	r.compilers = compilers{own: map[string]string{}, roots: map[string]*rooted{}, linked: map[string]string{}, c: map[string]cProgram{}}
	for _, p := range r.plan.Platforms {
		if !slices.ContainsFunc(p.Compiles, Compile.needsC) {
			continue
		}
		cc := r.ownCompiler(p.ID)
		if cc != "" {
			origin, err := identify(ctx, r.Environ, p.ID, cc)
			if err != nil {
				return err
			}
			progress.Note(r.Reporter, "%s: C is compiled with %s, not with the compilers of a tool chain", p.Name, cc)
			r.compilers.own[p.Name] = origin
		}
		for _, c := range p.Compiles {
			if c.C {
				if err := r.readCProgram(c); err != nil {
					return err
				}
			}
			if c.needsC() && cc == "" {
				if err := r.openCompiler(ctx, p, c); err != nil {
					return fmt.Errorf("C compilers of %s: %w", r.Version, err)
				}
			}
		}
	}
	return nil
}

// openCompiler makes the root with the compiler that a compile needs.
func (r *run) openCompiler(ctx context.Context, p Platform, c Compile) error {
	suite := ""
	if c.C {
		suite = r.compilers.c[c.Programs[0].Binary].spec.C.Toolchain
	} else {
		var err error
		if suite, err = source.BuildSuite(r.trees[c.Source], r.profile.Cgo.Image); err != nil {
			return err
		}
		r.compilers.linked[c.Source] = suite
	}
	root, err := r.openRoot(ctx, suite)
	if err != nil {
		return err
	}
	cc := r.compilerOf(p, c).CC
	if _, err := os.Lstat(filepath.Join(root.Dir(), "usr", "bin", cc)); cc != "" && err != nil {
		return hint.Errorf("add it to the packages of specs/toolchains/"+suite+".yaml and lock them again, or "+hintCompilers,
			"tool chain %s: has no %s, the compiler for %s", suite, cc, p.Name)
	}
	return nil
}

// openRoot makes the root of a tool chain, or takes the one that an earlier run has made.
func (r *run) openRoot(ctx context.Context, suite string) (*rooted, error) {
	if opened := r.compilers.roots[suite]; opened != nil {
		return opened, nil
	}
	toolchain, ok := r.Spec.Toolchain(suite)
	if !ok {
		return nil, hint.Errorf("add it with kubedist toolchain lock, or "+hintCompilers,
			"tool chain of Debian %s, which %s is compiled with: not in specs/toolchains", suite, r.Version)
	}
	root, err := buildroot.Fetch(ctx, buildroot.Options{
		Toolchain: toolchain, CacheDir: r.CacheDir, Mirror: r.DebianMirror, Config: mirror.AptDir, Reporter: r.Reporter,
	})
	if err == nil {
		err = root.Check(ctx)
	}
	if err != nil {
		return nil, err
	}
	r.compilers.roots[suite] = &rooted{root, toolchain}
	return r.compilers.roots[suite], nil
}

// compilerOf says what compiles the C code of a compile, which openCompiler has found.
func (r *run) compilerOf(p Platform, c Compile) *build.Cgo {
	if origin := r.compilers.own[p.Name]; origin != "" {
		return &build.Cgo{CC: r.ownCompiler(p.ID), Origin: origin}
	}
	suite, cc := r.compilers.linked[c.Source], ""
	if c.C {
		suite, cc = r.compilers.c[c.Programs[0].Binary].spec.C.Toolchain, p.Triplet+"-gcc"
	} else {
		cc = r.profile.Cgo.CC(p.Platform)
	}
	root := r.compilers.roots[suite]
	return &build.Cgo{CC: cc, Origin: root.origin(), Root: root.Root}
}

// origins returns what compiles C in the programs of a source, by platform; nil where nothing does.
func (r *run) origins(name string) map[string]string {
	var all map[string]string
	for _, p := range r.plan.Platforms {
		found := map[string]bool{}
		for _, c := range p.Compiles {
			if c.Source == name && c.needsC() {
				found[r.compilerOf(p, c).Origin] = true
			}
		}
		if len(found) == 0 {
			continue
		}
		if all == nil {
			all = map[string]string{}
		}
		all[p.Name] = strings.Join(slices.Sorted(maps.Keys(found)), "; ")
	}
	return all
}

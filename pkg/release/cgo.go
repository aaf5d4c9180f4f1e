package release

import (
	"context"
	"fmt"
	"strings"

	"kubedist/pkg/build"
	"kubedist/pkg/buildroot"
	"kubedist/pkg/hint"
	"kubedist/pkg/mirror"
	"kubedist/pkg/platform"
	"kubedist/pkg/source"
	"kubedist/pkg/spec"
)

// compilerVariable is the variable of the environment by which users bring their own C compiler for a platform:
// CC_linux_arm64, CC_linux_arm.
func compilerVariable(id platform.ID) string { return "CC_" + id.OS + "_" + id.Arch }

// ownCompiler returns the C compiler that the user brings for a platform, "" for none.
func (r *run) ownCompiler(id platform.ID) string {
	for _, entry := range r.Environ {
		if cc, ok := strings.CutPrefix(entry, compilerVariable(id)+"="); ok {
			return cc
		}
	}
	return ""
}

// openRoot makes the root with the C compilers, where the plan needs them, before anything is compiled.
func (r *run) openRoot(ctx context.Context) error {
	for _, p := range r.plan.Platforms {
		for _, c := range p.Compiles {
			if c.Link == spec.CLinked && r.ownCompiler(p.ID) == "" {
				r.rooted = c.Source
			}
		}
	}
	if r.rooted == "" {
		return nil
	}
	suite, err := source.BuildSuite(r.trees[r.rooted], r.profile.Cgo.Image)
	if err != nil {
		return err
	}
	var ok bool
	if r.toolchain, ok = r.Spec.Toolchain(suite); !ok {
		return hint.Errorf("add it with kubedist toolchain lock, or bring C compilers of your own, such as CC_linux_arm64=aarch64-linux-gnu-gcc",
			"C tool chain of Debian %s, which %s is compiled with: not in specs/toolchains", suite, r.Version)
	}
	r.root, err = buildroot.Fetch(ctx, buildroot.Options{
		Toolchain: r.toolchain, CacheDir: r.CacheDir, Mirror: r.DebianMirror, Config: mirror.AptDir, Reporter: r.Reporter,
	})
	if err == nil {
		err = r.root.Check(ctx)
	}
	if err != nil {
		return fmt.Errorf("C compilers of %s: %w", r.Version, err)
	}
	return nil
}

// cgo says what compiles the C code of programs for a platform.
func (r *run) cgo(p platform.Platform) *build.Cgo {
	if cc := r.ownCompiler(p.ID); cc != "" {
		return &build.Cgo{CC: cc, Origin: compilerVariable(p.ID)}
	}
	return &build.Cgo{CC: r.profile.Cgo.CC(p), Origin: "tool chain " + r.toolchain.Digest(), Root: r.root}
}

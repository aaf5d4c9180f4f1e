package release

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"kubedist/pkg/build"
	"kubedist/pkg/buildroot"
	"kubedist/pkg/checksum"
	"kubedist/pkg/hint"
	"kubedist/pkg/mirror"
	"kubedist/pkg/platform"
	"kubedist/pkg/progress"
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

// identify returns what an own compiler is: the program that the variable names first, by its digest, so that another one
// of the same name is another one.
func identify(ctx context.Context, id platform.ID, cc string) (string, error) {
	name := compilerVariable(id)
	words := strings.Fields(cc)
	if len(words) == 0 {
		return "", hint.Errorf("name a compiler, such as aarch64-linux-gnu-gcc", "%s: empty", name)
	}
	path, err := exec.LookPath(words[0])
	if err != nil {
		return "", hint.With(fmt.Errorf("%s: %w", name, err), "install the compiler, or leave the variable out")
	}
	sum, err := checksum.File(ctx, path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return name + "=" + cc + " sha256:" + sum.SHA256, nil
}

// openCompilers finds what compiles C for each platform of the plan, before anything is compiled.
func (r *run) openCompilers(ctx context.Context) error {
	r.compilers = map[string]string{}
	for _, p := range r.plan.Platforms {
		cc := r.ownCompiler(p.ID)
		if cc == "" || !slices.ContainsFunc(p.Compiles, func(c Compile) bool { return c.Link == spec.CLinked }) {
			continue
		}
		origin, err := identify(ctx, p.ID, cc)
		if err != nil {
			return err
		}
		progress.Note(r.Reporter, "%s: C is compiled with %s, not with the compilers of the profile", p.Name, cc)
		r.compilers[p.Name] = origin
	}
	return r.openRoot(ctx)
}

// openRoot makes the root with the C compilers, where the plan needs them, before anything is compiled.
func (r *run) openRoot(ctx context.Context) error {
	var rooted []string
	for _, p := range r.plan.Platforms {
		for _, c := range p.Compiles {
			if c.Link == spec.CLinked && r.ownCompiler(p.ID) == "" {
				r.rooted = c.Source
				rooted = append(rooted, p.Name)
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
	for _, name := range rooted {
		r.compilers[name] = "tool chain " + suite + " " + r.toolchain.Digest()
	}
	return nil
}

// cgo says what compiles the C code of programs for a platform.
func (r *run) cgo(p platform.Platform) *build.Cgo {
	if cc := r.ownCompiler(p.ID); cc != "" {
		return &build.Cgo{CC: cc, Origin: r.compilers[p.ID.String()]}
	}
	return &build.Cgo{CC: r.profile.Cgo.CC(p), Origin: r.compilers[p.ID.String()], Root: r.root}
}

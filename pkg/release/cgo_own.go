package release

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"

	"kubedist/pkg/build"
	"kubedist/pkg/checksum"
	"kubedist/pkg/hint"
	"kubedist/pkg/ledger"
	"kubedist/pkg/platform"
	"kubedist/pkg/process"
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

// compilerParts are questions that gcc and clang answer with the path of a file that takes part in linking a static program.
// Other compilers say no path, and are known by their own program alone.
var compilerParts = []string{
	"-print-prog-name=cc1", "-print-prog-name=as", "-print-prog-name=ld",
	"-print-file-name=crt1.o", "-print-file-name=libc.a", "-print-libgcc-file-name",
}

// identify returns what an own compiler is: the program that the variable names first and what it compiles and links with,
// by digest, so that another one of the same name, or another C library, is another one.
func identify(ctx context.Context, environ []string, id platform.ID, cc string) (string, error) {
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
	parts := []any{sum.SHA256}
	for _, question := range compilerParts {
		digest, err := compilerPart(ctx, environ, path, append(words[1:len(words):len(words)], question))
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		parts = append(parts, digest)
	}
	return name + "=" + cc + " sha256:" + ledger.Key(parts...), nil
}

// compilerPart asks a compiler, in the environment that it compiles in, for a file and returns its digest, "" when it knows of none.
func compilerPart(ctx context.Context, environ []string, compiler string, args []string) (string, error) {
	said := &process.Excerpt{}
	cmd := exec.CommandContext(ctx, compiler, args...)
	cmd.Stdout, cmd.Env = said, build.OwnEnviron(environ)
	process.Isolate(cmd)
	if err := process.Run(ctx, cmd); ctx.Err() != nil {
		return "", context.Cause(ctx)
	} else if err != nil {
		return "", nil
	}
	file := strings.TrimSpace(said.String())
	if strings.HasPrefix(args[len(args)-1], "-print-prog-name=") && file == filepath.Base(file) {
		// A compiler of the machine itself looks for it as we do.
		if found, err := exec.LookPath(file); err == nil {
			file = found
		}
	}
	if !filepath.IsAbs(file) {
		return "", nil
	}
	sum, err := checksum.File(ctx, file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return sum.SHA256, err
}

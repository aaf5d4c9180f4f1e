package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/buildroot"
	"kubedist/pkg/hint"
	"kubedist/pkg/ledger"
	"kubedist/pkg/platform"
	"kubedist/pkg/process"
)

// CSource is what a program in C is compiled from: these files and no others. A header of the tree that is not among them
// is not found, so that they are all that decides the program's bytes beside the flags and the compiler.
type CSource struct {
	Files []CFile  // those that end in .c are compiled, in this order; the others are there to be included
	Flags []string // of compiler and linker
}

// CFile is one file of a CSource.
type CFile struct {
	Name   string // below the job's directory, with slashes
	SHA1   string // lower-case hexadecimal, for documents that ask for it
	SHA256 string // the same; what counts
}

// key digests all that decides the bytes of a job that is compiled from C. The tree is not part of it: another release of
// Kubernetes with the same C file has the same program.
func (s *CSource) key(j Job) string {
	return ledger.Key("compile c", 1, s.Files, s.Flags, j.Platform, j.Cgo.CC, j.Cgo.Origin, filepath.Base(j.Programs[0].Dest))
}

// COptions are what C compiles with.
type COptions struct {
	// Environ is the user's environment. A compiler of the user's own gets HOME and PATH of it, one in a root nothing.
	Environ []string
}

// C compiles jobs that have a CSource with their Cgo's compiler, each into its one program, which must come out static.
// Its Results have no Files; Cached fills them in.
func C(o COptions) Compiler { return &cBuild{o} }

type cBuild struct{ COptions }

// Compile copies the files into a directory beside the destination, runs the compiler there, checks that the program is
// one for the platform and needs no library, and only then moves it into place.
func (c *cBuild) Compile(ctx context.Context, job Job) (Result, error) {
	if job.C == nil || job.Cgo == nil || len(job.Programs) != 1 {
		return Result{}, fmt.Errorf("%s: not a job of one program in C with a compiler", job.Name)
	}
	if err := c.compile(ctx, job); err != nil {
		next := hint.Of(err)
		if next == "" {
			next = "leave the platform out with --platform, or finish the others with --keep-going"
		}
		return Result{}, hint.Errorf(next, "compiling %s: %w", job.Name, err)
	}
	return Result{}, nil
}

func (c *cBuild) compile(ctx context.Context, job Job) error {
	scratch, err := makeScratch(job)
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	// With these names below: the program's bytes tell nothing of the machine's.
	dirs := cDirs{source: filepath.Join(scratch, "src"), out: filepath.Join(scratch, "out"), temp: filepath.Join(scratch, "tmp")}
	for _, dir := range []string{dirs.source, dirs.out, dirs.temp} {
		if err := atomicfile.MkdirAll(dir); err != nil {
			return err
		}
	}
	if err := job.C.copy(job.Dir, dirs.source); err != nil {
		return err
	}
	cmd, err := c.command(ctx, job, dirs)
	if err != nil {
		return err
	}
	said := &process.Excerpt{}
	cmd.Stderr = said
	if err := process.Run(ctx, cmd); ctx.Err() != nil {
		return context.Cause(ctx)
	} else if err != nil {
		return job.Cgo.explain(said.String(), err)
	}
	program := filepath.Join(dirs.out, job.Platform.ID.Executable(job.Programs[0].Name))
	if err := job.Platform.CheckBinary(program); err != nil {
		return hint.With(err, job.Cgo.CC+" has to be a C compiler for "+job.Platform.String())
	}
	if err := platform.CheckStatic(program); err != nil {
		return hint.With(err, "have its flags hold -static, and a static C library where the compiler finds it")
	}
	return job.place(dirs.out)
}

// cDirs are directories of the machine that are for one run of a compiler.
type cDirs struct{ source, out, temp string }

// command is the compiler with its arguments: in its root, or on the machine itself with the same environment everywhere.
func (c *cBuild) command(ctx context.Context, job Job, dirs cDirs) (*exec.Cmd, error) {
	words := strings.Fields(job.Cgo.CC)
	if len(words) == 0 {
		return nil, errors.New("no C compiler")
	}
	source, out, temp := dirs.source, dirs.out, dirs.temp
	if job.inside() {
		// As where Go is compiled, apart from the module's path.
		source, out, temp = insideSource, insideOut, insideTemp
		words[0] = path.Join("/usr/bin", words[0])
	}
	fixed := []string{"-Werror=date-time"}
	if !job.inside() {
		fixed = append(fixed, "-ffile-prefix-map="+source+"="+insideSource)
	}
	args := slices.Concat(words[1:], fixed, job.C.Flags, []string{"-o", filepath.Join(out, job.Platform.ID.Executable(job.Programs[0].Name))})
	for _, f := range job.C.Files {
		if strings.HasSuffix(f.Name, ".c") {
			args = append(args, filepath.FromSlash(f.Name))
		}
	}
	cmd := exec.CommandContext(ctx, words[0], args...)
	cmd.Dir = source
	process.Isolate(cmd)
	if !job.inside() {
		cmd.Env = append(OwnEnviron(c.Environ), "TMPDIR="+temp)
		return cmd, nil
	}
	cmd.Env = []string{"LC_ALL=C", "TMPDIR=" + temp, "HOME=" + temp, "PATH=/usr/bin:/bin"}
	return cmd, job.Cgo.Root.Wrap(cmd, []buildroot.Bind{
		{Host: dirs.source, Inside: source}, {Host: dirs.out, Inside: out, Writable: true}, {Host: dirs.temp, Inside: temp, Writable: true},
	})
}

// OwnEnviron is what a compiler of the user's own has of the user's environment: no variable decides what it finds, but PATH.
func OwnEnviron(environ []string) []string {
	own := []string{"LC_ALL=C"}
	for _, entry := range environ {
		if name, _, _ := strings.Cut(entry, "="); name == "HOME" || name == "PATH" {
			own = append(own, entry)
		}
	}
	return own
}

// explain gives the compiler's own words, and its exit status only when there are none.
func (c *Cgo) explain(said string, err error) error {
	if c.Root != nil {
		err = buildroot.Explain(err)
	}
	name := strings.Fields(c.CC)[0]
	if said = strings.TrimSpace(said); said != "" {
		return fmt.Errorf("%s:\n%s", name, said)
	}
	return fmt.Errorf("%s: %w", name, err)
}

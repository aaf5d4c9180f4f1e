package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/gitshim"
	"kubedist/pkg/gocmd"
	"kubedist/pkg/hint"
)

// Options are what Go compiles with.
type Options struct {
	Go     *gocmd.Go
	Budget Budget
	// Executable is the path of this program, which stands in for git where a tree is no checkout: see package gitshim.
	Executable string
}

// Go compiles with the go command. Its Results have no Files; Cached fills them in.
func Go(o Options) Compiler { return &goBuild{o} }

type goBuild struct{ Options }

// Compile runs one go build into a directory beside the destinations, checks that every program is there and is for
// the platform, and only then moves them into place.
func (c *goBuild) Compile(ctx context.Context, job Job) (Result, error) {
	if len(job.Programs) == 0 {
		return Result{}, fmt.Errorf("%s: no program to compile", job.Name)
	}
	scratch, err := makeScratch(job)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", job.Name, err)
	}
	defer os.RemoveAll(scratch)
	names := job.names(scratch)
	command := gocmd.Command{
		Dir:  names.tree,
		Args: append([]string{"build", "-p=" + strconv.Itoa(c.Budget.processes(job.Shared)), "-o=" + names.out + string(filepath.Separator)}, job.args()...),
		Env:  slices.Concat(job.Platform.ID.Env(), job.Cgo.environment(), relocated(job.Env, job.Dir, names.tree), c.Budget.layout().environment()),
	}
	for _, p := range job.Programs {
		command.Args = append(command.Args, p.Main)
	}
	g := c.Go.WithToolchain(job.Toolchain)
	shim, err := c.stamp(g, job, scratch, &command)
	if err == nil && job.inside() {
		err = c.enter(ctx, g, job, scratch, shim, &command)
	}
	if err != nil {
		return Result{}, fmt.Errorf("compiling %s: %w", job.Name, err)
	}
	out := filepath.Join(scratch, "out")
	err = g.Run(ctx, command)
	// A question to git that had no answer comes first: it is why go failed, or why what it made must not be used.
	if stampErr := checkStamp(ctx, shim, job, out); stampErr != nil && (err == nil || errors.Is(stampErr, gitshim.ErrUnanswered)) && ctx.Err() == nil {
		return Result{}, fmt.Errorf("compiling %s: %w", job.Name, stampErr)
	}
	if err != nil {
		next := hint.Of(err)
		if next == "" {
			next = "leave the platform out with --platform, or finish the others with --keep-going"
		}
		return Result{}, hint.Errorf(next, "compiling %s: %w", job.Name, err)
	}
	return Result{}, job.place(out)
}

// makeScratch makes the directories of the destinations and, beside the first, an empty one for the build.
func makeScratch(job Job) (string, error) {
	for _, p := range job.Programs {
		if err := atomicfile.MkdirAll(filepath.Dir(p.Dest)); err != nil {
			return "", err
		}
	}
	first := filepath.Dir(job.Programs[0].Dest)
	if err := cleanScratch(first); err != nil {
		return "", err
	}
	scratch, err := os.MkdirTemp(first, scratchPrefix)
	if err != nil {
		return "", err
	}
	return filepath.Abs(scratch)
}

// environment is what switches cgo on or off.
func (c *Cgo) environment() []string {
	if c == nil {
		return []string{"CGO_ENABLED=0"}
	}
	env := []string{"CGO_ENABLED=1"}
	if c.CC != "" {
		env = append(env, "CC="+c.CC)
	}
	return env
}

// place moves the finished programs from dir to their destinations.
func (j Job) place(dir string) error {
	for _, p := range j.Programs {
		built := filepath.Join(dir, j.Platform.ID.Executable(p.Name))
		if err := j.Platform.CheckBinary(built); err != nil {
			return fmt.Errorf("compiling %s: %w", j.Name, err)
		}
		// The umask of whoever builds is no property of a release.
		if err := os.Chmod(built, 0o755); err != nil {
			return fmt.Errorf("compiling %s: %w", j.Name, err)
		}
	}
	dirs := map[string]bool{}
	for _, p := range j.Programs {
		if err := os.Rename(filepath.Join(dir, j.Platform.ID.Executable(p.Name)), p.Dest); err != nil {
			return fmt.Errorf("compiling %s: %w", j.Name, err)
		}
		dirs[filepath.Dir(p.Dest)] = true
	}
	var errs []error
	for dir := range dirs {
		errs = append(errs, atomicfile.SyncDir(dir))
	}
	return errors.Join(errs...)
}

// scratchPrefix begins the name of the directory that go build writes into.
const scratchPrefix = ".kubedist-build-"

// cleanScratch removes the directories that killed builds left in dir. No other build may be running into dir.
func cleanScratch(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), scratchPrefix) {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

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
	"kubedist/pkg/gocmd"
	"kubedist/pkg/hint"
)

// Go compiles with the go command g under budget. Its Results have no Files; Cached fills them in.
func Go(g *gocmd.Go, budget Budget) Compiler { return &goBuild{g, budget} }

type goBuild struct {
	command *gocmd.Go
	budget  Budget
}

// Compile runs one go build into a directory beside the destinations, checks that every program is there and is for
// the platform, and only then moves them into place.
func (c *goBuild) Compile(ctx context.Context, job Job) (Result, error) {
	if len(job.Programs) == 0 {
		return Result{}, fmt.Errorf("%s: no program to compile", job.Name)
	}
	first := filepath.Dir(job.Programs[0].Dest)
	for _, p := range job.Programs {
		if err := atomicfile.MkdirAll(filepath.Dir(p.Dest)); err != nil {
			return Result{}, fmt.Errorf("%s: %w", job.Name, err)
		}
	}
	if err := cleanScratch(first); err != nil {
		return Result{}, fmt.Errorf("%s: %w", job.Name, err)
	}
	scratch, err := os.MkdirTemp(first, scratchPrefix)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", job.Name, err)
	}
	defer os.RemoveAll(scratch)
	if scratch, err = filepath.Abs(scratch); err != nil {
		return Result{}, err
	}

	args := append([]string{"build", "-p=" + strconv.Itoa(c.budget.processes(job.Shared)), "-o=" + scratch + string(filepath.Separator)}, job.args()...)
	for _, p := range job.Programs {
		args = append(args, p.Main)
	}
	env := slices.Concat(job.Platform.ID.Env(), []string{"CGO_ENABLED=0"}, job.Env, c.budget.layout().environment())
	err = c.command.WithToolchain(job.Toolchain).Run(ctx, gocmd.Command{Dir: job.Dir, Args: args, Env: env})
	if err != nil {
		next := hint.Of(err)
		if next == "" {
			next = "leave the platform out with --platform, or finish the others with --keep-going"
		}
		return Result{}, hint.Errorf(next, "compiling %s: %w", job.Name, err)
	}
	return Result{}, job.place(scratch)
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

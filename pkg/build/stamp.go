package build

import (
	"path/filepath"
	"strings"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/gitshim"
	"kubedist/pkg/gocmd"
)

// stamp sees to it that go can learn the version control stamp of a job: from the checkout that the tree is, or from a
// stand-in for git with its files in scratch, for which it changes the command. The returned function checks that the
// programs in a directory carry it.
func (c *goBuild) stamp(g *gocmd.Go, job Job, scratch string, command *gocmd.Command) (func(dir string) error, error) {
	switch {
	case job.VCS == nil:
		return func(string) error { return nil }, nil
	case job.VCS.Checkout:
		// The checkout is the user's, not even its index is to be written.
		command.Env = append(command.Env, "GIT_OPTIONAL_LOCKS=0")
		return func(string) error { return nil }, nil
	}
	if err := atomicfile.MkdirAll(scratch); err != nil {
		return nil, err
	}
	shim, err := gitshim.Prepare(gitshim.Options{
		Tree: job.Dir, Scratch: scratch, Executable: c.Executable,
		Stamp: gitshim.Stamp{Commit: job.VCS.Commit, Time: job.VCS.Time, Tag: job.VCS.Tag},
	})
	if err != nil {
		return nil, err
	}
	// Go has to know its workspace by the name that it finds for the directory it runs in.
	command.Env = append(relocated(command.Env, job.Dir, shim.Tree()), shim.Env(g.Environ())...)
	command.Dir = shim.Tree()
	return func(dir string) error {
		if err := shim.Check(); err != nil {
			return err
		}
		for _, p := range job.Programs {
			built := filepath.Join(dir, job.Platform.ID.Executable(p.Name))
			if err := shim.CheckBinary(built); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// relocated returns environ with the values that lie in the directory from moved to the directory to.
func relocated(environ []string, from, to string) []string {
	moved := make([]string, len(environ))
	for i, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if rest, ok := strings.CutPrefix(value, from+string(filepath.Separator)); ok {
			entry = name + "=" + filepath.Join(to, rest)
		}
		moved[i] = entry
	}
	return moved
}

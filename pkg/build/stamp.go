package build

import (
	"path/filepath"
	"strings"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/gitshim"
	"kubedist/pkg/gocmd"
	"kubedist/pkg/hint"
)

// stamp sees to it that go can learn the version control stamp of a job: from the checkout that the tree is, or from a
// stand-in for git with its files below scratch, for which it changes the command. The stand-in is nil where there is none.
func (c *goBuild) stamp(g *gocmd.Go, job Job, scratch string, command *gocmd.Command) (*gitshim.Shim, error) {
	switch {
	case job.VCS == nil:
		return nil, nil
	case job.VCS.Checkout && job.inside() && job.VCS.State != "clean":
		return nil, hint.Errorf("commit or remove the changes that git status shows, or bring your own compilers, such as CC_linux_arm64=aarch64-linux-gnu-gcc",
			"version control stamp of a checkout with changes: there is no git where the C compiler is")
	case job.VCS.Checkout && !job.inside():
		// The checkout is the user's, not even its index is to be written.
		command.Env = append(command.Env, "GIT_OPTIONAL_LOCKS=0")
		return nil, nil
	}
	o := gitshim.Options{
		Tree: job.Dir, Scratch: filepath.Join(scratch, "git"), Executable: c.Executable,
		Stamp: gitshim.Stamp{Commit: job.VCS.Commit, Time: job.VCS.Time, Tag: job.VCS.Tag},
	}
	environ := g.Environ()
	if job.inside() {
		names := job.names(scratch)
		o.Inside, environ = &gitshim.Inside{Tree: names.tree, Scratch: names.stamp}, []string{"PATH=" + insidePath}
	}
	if err := atomicfile.MkdirAll(o.Scratch); err != nil {
		return nil, err
	}
	shim, err := gitshim.Prepare(o)
	if err != nil {
		return nil, err
	}
	// Go has to know its workspace by the name that it finds for the directory it runs in.
	command.Env = append(relocated(command.Env, command.Dir, shim.Tree()), shim.Env(environ)...)
	command.Dir = shim.Tree()
	return shim, nil
}

// checkStamp makes sure that go had an answer to all it asked the stand-in, and that the programs in dir carry the stamp.
func checkStamp(shim *gitshim.Shim, job Job, dir string) error {
	if shim == nil {
		return nil
	}
	if err := shim.Check(); err != nil {
		return err
	}
	for _, p := range job.Programs {
		if err := shim.CheckBinary(filepath.Join(dir, job.Platform.ID.Executable(p.Name))); err != nil {
			return err
		}
	}
	return nil
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

package build

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/gitshim"
	"kubedist/pkg/gocmd"
	"kubedist/pkg/hint"
	"kubedist/pkg/imprint"
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
		// Go leaves the stamp out without a word where it knows its directory and its workspace by different names.
		dir, err := filepath.EvalSymlinks(job.Dir)
		if err != nil {
			return nil, err
		}
		// The checkout is the user's, not even its index is to be written.
		command.Env = append(relocated(command.Env, command.Dir, dir), "GIT_OPTIONAL_LOCKS=0")
		command.Dir = dir
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
func checkStamp(ctx context.Context, shim *gitshim.Shim, job Job, dir string) error {
	if job.VCS == nil {
		return nil
	}
	if shim != nil {
		if err := shim.Check(); err != nil {
			return err
		}
	}
	for _, p := range job.Programs {
		built := filepath.Join(dir, job.Platform.ID.Executable(p.Name))
		if shim != nil {
			if err := shim.CheckBinary(built); err != nil {
				return err
			}
			continue
		}
		i, err := imprint.ReadStamp(ctx, built)
		if err != nil {
			return err
		}
		if i.Commit != job.VCS.Commit || !i.Time.Equal(job.VCS.Time) || i.Modified != (job.VCS.State == "dirty") {
			return hint.Errorf("build from a plain clone of its own, which nobody changes meanwhile",
				"%s: version control stamp is of commit %q at %s, changed: %t; the checkout is at %s", p.Name, i.Commit, i.Time.UTC().Format(time.RFC3339), i.Modified, job.VCS.Commit)
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

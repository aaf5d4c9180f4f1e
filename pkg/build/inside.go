package build

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/buildroot"
	"kubedist/pkg/gitshim"
	"kubedist/pkg/gocmd"
)

// Names in the root that a C compiler lies in. Go and the tree are where they are in the image that Kubernetes is compiled in.
const (
	insideGo      = "/usr/local/go"
	insideSource  = "/go/src" // then the path of the module
	insideModules = "/go/pkg/mod"
	insideCache   = "/go/cache"
	insideOut     = "/go/out"
	insideStamp   = "/go/stamp"
	insideTemp    = "/tmp"
	insidePath    = insideGo + "/bin:/usr/bin:/bin"
)

// names are what go calls the directories of a build where it runs.
type names struct {
	tree  string // of the source
	out   string // for the programs
	stamp string // of the stand-in for git
}

// names returns the names of j's directories, given the one on the machine that is for this build alone.
func (j Job) names(scratch string) names {
	if j.inside() {
		return names{tree: path.Join(insideSource, j.Module), out: insideOut, stamp: insideStamp}
	}
	return names{tree: j.Dir, out: filepath.Join(scratch, "out"), stamp: filepath.Join(scratch, "git")}
}

// inside reports whether j is compiled in another root.
func (j Job) inside() bool { return j.Cgo != nil && j.Cgo.Root != nil }

// enter changes the command so that it runs in the root of the job's C compiler. Nothing of the user's environment gets in
// there; what go fetches, it has fetched before. shim stands in for git, nil where nothing does.
func (c *goBuild) enter(ctx context.Context, g *gocmd.Go, job Job, scratch string, shim *gitshim.Shim, command *gocmd.Command) error {
	binds := []buildroot.Bind{{Host: job.Dir, Inside: command.Dir}}
	for _, variable := range []struct {
		name, inside string
		writable     bool
	}{{"GOROOT", insideGo, false}, {"GOMODCACHE", insideModules, false}, {"GOCACHE", insideCache, true}} {
		dir, err := g.Var(ctx, os.TempDir(), variable.name)
		if err == nil && variable.name != "GOROOT" {
			err = os.MkdirAll(dir, 0o777) // as go does it: the first build makes its caches
		}
		if err != nil {
			return fmt.Errorf("%s: %w", variable.name, err)
		}
		binds = append(binds, buildroot.Bind{Host: dir, Inside: variable.inside, Writable: variable.writable})
	}
	for _, dir := range []struct{ name, inside string }{{"out", insideOut}, {"git", insideStamp}} {
		host := filepath.Join(scratch, dir.name)
		if err := atomicfile.MkdirAll(host); err != nil {
			return err
		}
		binds = append(binds, buildroot.Bind{Host: host, Inside: dir.inside, Writable: true})
	}
	if shim != nil {
		binds = append(binds, buildroot.Bind{Host: shim.Repository(), Inside: path.Join(command.Dir, ".git")})
	}
	environ := slices.Concat([]string{
		"GO111MODULE=on", "GOENV=off", "GOFLAGS=", "GOPROXY=off", "GOTOOLCHAIN=local", "GOWORK=off", "LC_ALL=C", "PATH=" + insidePath,
		"GOCACHE=" + insideCache, "GOMODCACHE=" + insideModules, "GOPATH=/go", "GOTMPDIR=" + insideTemp, "HOME=" + insideTemp, "TMPDIR=" + insideTemp,
	}, command.Env)
	command.Inside = func(cmd *exec.Cmd, temp string) error {
		cmd.Path, cmd.Args[0], cmd.Dir, cmd.Env = insideGo+"/bin/go", "go", command.Dir, environ
		return job.Cgo.Root.Wrap(cmd, append(binds, buildroot.Bind{Host: temp, Inside: insideTemp, Writable: true}))
	}
	return nil
}

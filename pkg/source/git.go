package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"kubedist/pkg/hint"
)

// checkout is what git says about a directory.
type checkout struct {
	stamp Stamp
	git   git
	// tree identifies the content: git's tree id when the checkout is clean, "" when it is not.
	tree string
}

// readCheckout asks git about dir; nil when dir is not the top of a checkout. A directory somewhere inside of another
// project's checkout is none: that project's commits say nothing about it.
func readCheckout(ctx context.Context, dir string, environ []string) (*checkout, error) {
	if !exists(filepath.Join(dir, ".git")) {
		return nil, nil
	}
	git := git{dir: dir, environ: environ}
	head, err := git.run(ctx, "-c", "log.showSignature=false", "log", "-1", "--no-decorate", "--format=%H %T %ct", "HEAD")
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(head)
	if len(fields) != 3 || !isCommit(fields[0]) || !isCommit(fields[1]) {
		return nil, fmt.Errorf("reading the commit of %s: git says %q", dir, head)
	}
	seconds, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("reading the commit time of %s: %w", dir, err)
	}
	status, err := git.run(ctx, "status", "--porcelain")
	if err != nil {
		return nil, err
	}
	c := &checkout{
		git:   git,
		stamp: Stamp{Commit: fields[0], TreeState: StateClean, CommitTime: time.Unix(seconds, 0)},
		tree:  "git tree " + fields[1],
	}
	if status != "" {
		c.stamp.TreeState, c.tree = StateDirty, ""
	}
	described, err := git.run(ctx, "describe", "--tags", "--match=v*", "--abbrev=14", "HEAD")
	if ctx.Err() != nil {
		return nil, err
	}
	if err != nil {
		return c, nil // no tag to describe it by, as in a shallow clone: the caller must know the version
	}
	c.stamp.Version, err = describedVersion(described, status != "")
	return c, err
}

// git runs git in one directory.
type git struct {
	dir     string
	environ []string
}

// run returns what a git command prints, without the last newline. It never writes into the checkout, not even the
// refreshed index that `git status` likes to keep.
func (g git) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"--no-optional-locks"}, args...)...)
	cmd.Dir = g.dir
	for _, entry := range g.environ {
		if !strings.HasPrefix(entry, "GIT_") || strings.HasPrefix(entry, "GIT_CONFIG") {
			cmd.Env = append(cmd.Env, entry) // GIT_DIR and its kin would speak of another repository
		}
	}
	cmd.Env = append(cmd.Env, "LC_ALL=C", "TZ=UTC", "GIT_CEILING_DIRECTORIES="+filepath.Dir(g.dir))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err == nil {
		return strings.TrimSuffix(out.String(), "\n"), nil
	}
	said := strings.TrimSpace(errs.String())
	err = fmt.Errorf("asking git about %s: %w: %s", g.dir, err, said)
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", hint.With(err, "install git, or remove .git to use the directory as a plain tree")
	case strings.Contains(said, "dubious ownership"):
		return "", hint.With(err, "git config --global --add safe.directory "+g.dir)
	case errors.Is(err, os.ErrPermission):
		return "", hint.With(err, "check that the directory may be read")
	}
	return "", err
}

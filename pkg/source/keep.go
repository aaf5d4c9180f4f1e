package source

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Keep returns which files below Dir are the source: those to publish when the source is published. name is slash-
// separated and relative to Dir; for a directory the answer is whether anything in it is source. The function has the
// form that tarball.AddTree takes.
//
//   - Of a git checkout these are the files that git tracks, as they are on disk. What git ignores or does not know may
//     be anything, credentials included, and is left out even when the checkout is dirty. So are submodules, which are
//     other repositories, and what is committed below _output.
//   - Of any other directory of the user these are all files but .git and _output.
//   - Of a tree from the module proxy these are all files. A build may have made an empty .git there, see package gitshim.
//
// Whatever it keeps is covered by Digest. It fails when git does.
func (t *Tree) Keep(ctx context.Context) (func(name string, d fs.DirEntry) bool, error) {
	switch {
	case t.checkout != nil:
		keep, err := t.checkout.tracked(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the files of %s: %w", t.Name, err)
		}
		return keep, nil
	case t.Origin == OriginProxy:
		return func(name string, _ fs.DirEntry) bool { return name != ".git" }, nil
	}
	return func(name string, _ fs.DirEntry) bool { return isSource(name) }, nil
}

// isSource tells whether a file at the top of a directory of the user can be source. What git keeps for itself and what
// Kubernetes builds into (_output) are none. The name of a file deeper down says nothing, so it can.
func isSource(name string) bool { return name != ".git" && name != "_output" }

// tracked returns a filter for the source files that git tracks and the directories that lead to them.
func (g git) tracked(ctx context.Context) (func(name string, d fs.DirEntry) bool, error) {
	listed, err := g.run(ctx, "ls-files", "-z", "--stage")
	if err != nil {
		return nil, err
	}
	files, directories := map[string]bool{}, map[string]bool{}
	for entry := range strings.SplitSeq(strings.TrimSuffix(listed, "\x00"), "\x00") {
		if entry == "" {
			continue
		}
		// MODE OBJECT STAGE<tab>NAME, see git-ls-files(1)
		about, name, ok := strings.Cut(entry, "\t")
		if !ok {
			return nil, fmt.Errorf("git ls-files of %s says %q", g.dir, entry)
		}
		if top, _, _ := strings.Cut(name, "/"); !isSource(top) || strings.HasPrefix(about, "160000 ") {
			continue // 160000 is a submodule
		}
		files[name] = true
		for dir := path.Dir(name); dir != "." && !directories[dir]; dir = path.Dir(dir) {
			directories[dir] = true
		}
	}
	return func(name string, d fs.DirEntry) bool {
		if d.IsDir() {
			return directories[name]
		}
		return files[name]
	}, nil
}

package release

import (
	"os"
	"path/filepath"
	"time"

	"kubedist/pkg/build"
	"kubedist/pkg/hint"
	"kubedist/pkg/source"
	"kubedist/pkg/spec"
)

// stamp is what the programs of the release say of themselves.
func (r *run) stamp() Stamp {
	s := r.trees[r.primary()].Stamp
	return Stamp{Commit: s.Commit, GitTreeState: s.TreeState, BuildDate: s.BuildDate.UTC()}
}

// known returns what specs/releases knows of the release, unless the user has said what its stamp is.
func (r *run) known() (spec.Release, bool) {
	known, ok := r.Spec.Release(r.Version)
	return known, ok && r.BuildDate.IsZero() && (r.Commit == "" || r.Commit == known.Commit)
}

// checkKnown refuses a stamp of specs/releases that cannot be that of the tree: its commit must have been made when the
// tree's was.
func (r *run) checkKnown(tree *source.Tree) error {
	known, ok := r.known()
	if !ok || tree.Stamp.Commit != known.Commit || tree.Stamp.CommitTime.Equal(known.CommitTime) {
		return nil
	}
	return &SelectionError{hint.Errorf("correct the entry there, or give --commit and --build-date",
		"stamp of %s: specs/releases says that its commit was made at %s, the source says %s",
		r.Version, known.CommitTime.UTC().Format(time.RFC3339), tree.Stamp.CommitTime.UTC().Format(time.RFC3339))}
}

// carried returns the release of specs/releases whose stamp the programs of a tree carry: the tree is its commit, without
// changes, and nobody has asked for another build date. It is the zero one for every other tree.
func (r *run) carried(tree *source.Tree) spec.Release {
	known, ok := r.known()
	if !ok || tree.Stamp.Commit != known.Commit || tree.Stamp.TreeState != source.StateClean || tree.Origin == source.OriginDirectory && !r.Epoch.IsZero() {
		return spec.Release{}
	}
	return known
}

// versionControl returns the version control stamp of the programs of a tree: that of a checkout, or of a module whose
// commit is known. Of other trees, and of worktrees, there is none.
func versionControl(tree *source.Tree) *build.VCS {
	if !tree.Checkout() && tree.Stamp.TreeState != source.StateClean {
		return nil
	}
	// Go knows a repository by a directory of this name. In a worktree or a submodule it is a file: go would look further up
	// and take the stamp of whatever repository lies around it.
	if info, err := os.Lstat(filepath.Join(tree.Dir, ".git")); tree.Checkout() && (err != nil || !info.IsDir()) {
		return nil
	}
	s := tree.Stamp
	return &build.VCS{Commit: s.Commit, Time: s.CommitTime, Tag: s.Version, State: s.TreeState, Checkout: tree.Checkout()}
}

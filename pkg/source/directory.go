package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/mod/semver"

	"kubedist/pkg/hint"
)

// openDirectory opens a tree of the user where it lies. Its version comes from git, from what git archive wrote into
// it, from the file "version" of a release tarball, or from the options, in this order; two that differ are an error.
func openDirectory(ctx context.Context, o Options) (*Tree, error) {
	dir, err := filepath.Abs(o.Directory)
	if err != nil {
		return nil, err
	}
	if err := checkOutputs(dir, o.Exclude); err != nil {
		return nil, err
	}
	if err := checkTree(dir, o); err != nil {
		return nil, err
	}
	tree := &Tree{Name: o.Name, Module: o.Module, Dir: dir, Origin: OriginDirectory}
	if tree.GoVersion, err = goVersion(dir, o.GoVersion); err != nil {
		return nil, err
	}
	checkout, err := readCheckout(ctx, dir, o.Environ)
	if err != nil {
		return nil, err
	}
	stamp := Stamp{TreeState: StateArchive}
	content := ""
	if checkout != nil {
		stamp = checkout.stamp
		content = checkout.tree
		tree.checkout = &checkout.git
	} else if stamp.Version, stamp.Commit, err = archivedVersion(dir); err != nil {
		return nil, err
	}
	if content == "" {
		if content, err = contentDigest(ctx, dir); err != nil {
			return nil, err
		}
	}
	if stamp.Version, err = agreedVersion(o, stamp); err != nil {
		return nil, err
	}
	if tree.Stamp, err = stamp.finish(o); err != nil {
		return nil, err
	}
	tree.Digest = directoryDigest(content, tree.GoVersion)
	return tree, nil
}

// checkTree refuses a directory that is not a whole tree of the module, before anything compiles.
func checkTree(dir string, o Options) error {
	const wholeTree = "name the top directory of a checkout or of an unpacked source archive"
	mod, err := readMod(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return hint.Errorf(wholeTree, "%s: %w of %s: it has no go.mod", dir, ErrNoTree, o.Module)
	}
	if err != nil {
		return err
	}
	if path := mod.Module.Mod.Path; path != o.Module {
		return hint.Errorf(wholeTree, "%s: %w of %s: its go.mod says module %s", dir, ErrNoTree, o.Module, path)
	}
	ws, err := readWorkspace(dir, nil)
	if err != nil || ws == nil {
		return err
	}
	var missing []string
	for _, s := range ws.staging {
		if !exists(filepath.Join(dir, filepath.FromSlash(s.Dir), "go.mod")) {
			missing = append(missing, s.Dir)
		}
	}
	if len(missing) > 0 {
		return hint.Errorf("use a whole checkout, or leave out --source and let the module proxy serve the tree",
			"%s: %w: it lacks modules that its go.work names: %s", dir, ErrNoTree, strings.Join(missing, ", "))
	}
	return nil
}

// agreedVersion returns the version of a directory given what was asked for and what the directory says.
func agreedVersion(o Options, said Stamp) (string, error) {
	switch {
	case said.Version == "" && o.Version == "":
		return "", hint.Errorf("name the version, such as v1.36.3", "%s tells no version: it is at no tag that git knows", o.Directory)
	case said.Version == "":
		return o.Version, nil
	case o.Version == "" || o.Version == said.Version:
		return said.Version, nil
	case said.TreeState == StateDirty && said.Version == o.Version+"-dirty":
		return "", hint.Errorf("commit or remove the changes that git status shows, or ask for "+said.Version,
			"%s: %w: %s is %s with changes", o.Version, ErrOtherVersion, o.Directory, o.Version)
	}
	next := "check out " + o.Version
	switch {
	case isVersion(said.Version):
		next += ", or ask for " + said.Version
	case said.TreeState != StateArchive:
		// A commit after a tag has a version with build metadata, which nobody can ask for.
		next += ", or give the commit a tag of its own (git tag VERSION) and ask for that"
	}
	return "", hint.Errorf(next, "%s: %w: %s is %s", o.Version, ErrOtherVersion, o.Directory, said.Version)
}

// What git archive puts into hack/lib/version.sh, an export-subst file: the commit and the names that point at it.
var (
	archivedCommit = regexp.MustCompile(`(?m)^\s*KUBE_GIT_COMMIT='([0-9a-f]{40})'`)
	archivedTag    = regexp.MustCompile(`(?m)^\s*if \[\[ '[^'\n]*\btag: (v[^ ,'\n]+)`)
)

// archivedVersion returns the version and commit that an unpacked archive tells of itself, "" for what it does not.
func archivedVersion(dir string) (version, commit string, err error) {
	script, err := readBounded(filepath.Join(dir, "hack", "lib", "version.sh"), 1<<20)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", "", err
	}
	version, commit = parseArchived(script)
	if version == "" {
		data, err := readBounded(filepath.Join(dir, "version"), 256)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", "", err
		}
		version = strings.TrimSpace(string(data))
	}
	if version != "" && !semver.IsValid(version) {
		return "", "", fmt.Errorf("%s says of itself that it is %q, which is no version", dir, version)
	}
	return version, commit, nil
}

// parseArchived reads the two lines of hack/lib/version.sh that git archive fills in.
func parseArchived(script []byte) (version, commit string) {
	if m := archivedCommit.FindSubmatch(script); m != nil {
		commit = string(m[1])
	}
	if m := archivedTag.FindSubmatch(script); m != nil {
		version = string(m[1])
	}
	return version, commit
}

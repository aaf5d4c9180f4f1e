// Package source gives a source tree together with its identity: what version it is, of which commit and time, which
// Go release compiles it, and a digest that is equal for equal trees. A tree comes from the Go module proxy, verified
// as the go command verifies modules and kept in a cache, or from a directory of the user, which is never written to.
//
// The package knows how the Kubernetes tree is laid out: go.work, staging modules, .go-version, the scripts that name
// version and platforms. It refuses to know what is built from a tree, and it invents nothing: no commit for a module
// zip that tells none, no time for a directory that has none.
package source

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"kubedist/pkg/gocmd"
	"kubedist/pkg/hint"
)

// Where a tree came from: the values of Tree.Origin.
const (
	OriginProxy     = "module proxy"
	OriginDirectory = "directory"
)

// What is wrong with the input when Open fails with an error that wraps one of these.
var (
	// ErrUnknownVersion is a version that the module proxy does not have.
	ErrUnknownVersion = errors.New("no such version")
	// ErrNoTree is a directory that is not the whole source of the module.
	ErrNoTree = errors.New("not a source tree")
	// ErrNotVersion is a version that cannot be one of a release: not of the form vMAJOR.MINOR.PATCH[-PRERELEASE].
	ErrNotVersion = errors.New("not a version")
	// ErrOutputInside is a directory for output that lies inside the source directory.
	ErrOutputInside = errors.New("output inside the source directory")
	// ErrOtherVersion is a version or commit that is not the one of the directory.
	ErrOtherVersion = errors.New("not what the source is")
)

// Options say which tree to open.
type Options struct {
	// Name is what the tree is called in errors; "" takes the last element of Module.
	Name string
	// Module is the path of the tree's main module, such as k8s.io/kubernetes.
	Module string
	// Version is the release, such as v1.36.3. It may be "" for a directory that tells its version itself.
	Version string
	// Directory is a git checkout or an unpacked tree; "" takes the module from the proxy.
	Directory string
	// Exclude are absolute directories that are written to, which need not exist. Open refuses a Directory that one of
	// them lies in: what is written there would be a change of the source by the next time.
	Exclude []string
	// CacheDir is where trees are kept; trees lie in its subdirectory "trees". Not used for directories.
	CacheDir string
	// SkipStaging lists nested modules to leave out because they are served nowhere and nothing needs them.
	SkipStaging []string
	// SameVersion says that the nested modules have the version of the tree, rather than v0.36.3 where the tree has
	// v1.36.3. They are known by the directories that go.mod replaces them by, where the tree has no go.work.
	SameVersion bool
	// GoVersion overrides the Go release that the tree pins, such as 1.24.6.
	GoVersion string
	// Toolchain is gocmd.Local to use the installed Go even where the tree pins another; "" follows the tree.
	Toolchain string
	// GoCommand is the path of the go command; "" finds it on the PATH.
	GoCommand string
	// Environ is the user's environment in the form of os.Environ.
	Environ []string
	// Commit and BuildDate set what the origin cannot know or override what it says.
	Commit    string
	BuildDate time.Time
}

// Sum is the checksum of one module that a tree was made from, in the "h1:" form of go.sum.
type Sum struct {
	Module  string `json:"module"`
	Version string `json:"version"`
	Sum     string `json:"sum"`
}

// Tree is a source tree that is ready to compile.
type Tree struct {
	Name   string
	Module string
	// Dir is the absolute directory of the main module. It belongs to the cache or to the user: read, never write.
	Dir   string
	Stamp Stamp
	// Digest is 64 hex digits, a SHA-256 over everything that decides what compiles from this tree, but for the stamp.
	Digest string
	// GoVersion is the Go release that the tree pins, such as 1.26.5.
	GoVersion string
	// Toolchain is what GOTOOLCHAIN must be to compile the tree: go1.26.5, or gocmd.Local when the options ask for it.
	Toolchain string
	// Origin is OriginProxy or OriginDirectory.
	Origin string
	// Sums are the modules that a tree of OriginProxy was put together from, sorted; nil for a directory.
	Sums []Sum
	// checkout is the git of a directory that is the top of a checkout, nil for every other tree.
	checkout *git
}

// Open returns the tree that o describes. From the proxy it downloads, verifies and puts together what the cache does
// not hold; a tree that was opened before is there at once, without network or go command. Errors that the user can
// do something about carry a hint. When ctx ends, Open stops the go command and leaves only complete trees.
func Open(ctx context.Context, o Options) (*Tree, error) {
	if err := module.CheckPath(o.Module); err != nil {
		return nil, fmt.Errorf("module of the source: %w", err)
	}
	if o.Name == "" {
		o.Name = path.Base(o.Module)
	}
	if o.Version != "" && !isVersion(o.Version) {
		return nil, hint.Errorf("write it in full as Kubernetes tags it, such as v1.36.3 or v1.37.0-rc.0", "version %q of %s: %w", o.Version, o.Name, ErrNotVersion)
	}
	if o.Commit != "" && !isCommit(o.Commit) {
		return nil, hint.Errorf("give all 40 hex digits of it, as git rev-parse prints them", "commit %q of %s is no git commit", o.Commit, o.Name)
	}
	open := openModule
	if o.Directory != "" {
		open = openDirectory
	}
	tree, err := open(ctx, o)
	if err == nil {
		tree.Toolchain, err = o.toolchain(tree.GoVersion)
	}
	if err != nil {
		return nil, withSpaceHint(fmt.Errorf("opening the source of %s: %w", o.Name, err))
	}
	return tree, nil
}

// Env returns the variables that a go command needs on top of its pinned environment when it runs in the tree: its
// workspace, or none.
func (t *Tree) Env() []string {
	if exists(filepath.Join(t.Dir, "go.work")) {
		return []string{"GOWORK=" + filepath.Join(t.Dir, "go.work")}
	}
	return []string{"GOWORK=off"}
}

// toolchain returns what GOTOOLCHAIN must be for a tree that pins goVersion.
func (o Options) toolchain(goVersion string) (string, error) {
	if o.Toolchain != "" {
		return o.Toolchain, nil
	}
	return gocmd.ToolchainFor(goVersion)
}

// newGo returns the go command for downloads, with its temporary files below tempDir. It may switch to a newer release
// when a module asks for one, unless the user wants the installed one.
func (o Options) newGo(ctx context.Context, tempDir string) (*gocmd.Go, error) {
	return gocmd.New(ctx, gocmd.Options{Path: o.GoCommand, Toolchain: o.Toolchain, Environ: o.Environ, TempDir: tempDir})
}

// isVersion tells whether a version can be asked for: whole (v1.36 is not) and without build metadata, which is not
// part of what a version is and which neither the module proxy nor a Debian version can tell apart.
func isVersion(version string) bool {
	return version != "" && semver.Canonical(version) == version
}

// withSpaceHint adds what helps against a full disk; the go command's own failures have their hints already.
func withSpaceHint(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return hint.With(err, "free space on the disk, or move the cache with KUBEDIST_CACHE")
	}
	return err
}

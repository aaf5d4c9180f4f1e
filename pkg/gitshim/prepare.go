package gitshim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/hint"
)

// ErrCheckout is a tree that git knows: git is the one to ask about it.
var ErrCheckout = errors.New("a git checkout")

// Options say what the stand-in speaks for, and where it lies.
type Options struct {
	// Tree is the directory of the main module. Prepare makes an empty directory .git there, by which the go command
	// knows a repository, and leaves it: two builds may share the tree. So it must be writable, and not the user's own.
	Tree string
	// Scratch is an empty directory for the stand-in alone. The caller removes it when the last build is done.
	Scratch string
	// Executable is the path of a program that calls Asked and Answer: os.Executable of kubedist.
	Executable string
	Stamp      Stamp
	// Inside are the names of Tree and Scratch where go runs, when that is another root than this one; nil when it is not.
	Inside *Inside
}

// Inside are names in the root that go runs in, absolute and without symbolic links. There .git of the tree has to be the
// directory Shim.Repository: then the tree may be a clean checkout, whose own git go cannot ask from inside.
type Inside struct{ Tree, Scratch string }

// Shim is a stand-in that is ready for builds, one or several beside each other.
type Shim struct {
	order  order
	module string // path of the tree's module
	notes  string // the file of notes
	// repository is what go takes for the repository of the tree.
	repository string
	bin        string // the directory that holds git, as go names it
	file       string // the file of the order, as go names it
}

// Prepare makes the stand-in for a tree. It refuses, with a hint, a stamp that is none, a tree that is no module, that
// has a checkout (ErrCheckout), or of whose module the tag can be no version.
func Prepare(o Options) (*Shim, error) {
	s, err := prepare(o)
	if err != nil {
		return nil, fmt.Errorf("preparing the version control stamp of %s: %w", o.Tree, err)
	}
	return s, nil
}

func prepare(o Options) (*Shim, error) {
	if err := o.Stamp.check(); err != nil {
		return nil, err
	}
	tree, err := resolve(o.Tree)
	if err != nil {
		return nil, err
	}
	scratch, err := resolve(o.Scratch)
	if err != nil {
		return nil, err
	}
	names := Inside{tree, scratch}
	if o.Inside != nil {
		names = *o.Inside
	}
	s := &Shim{
		order: order{
			Commit: o.Stamp.Commit, Time: o.Stamp.Time.Unix(), Tag: o.Stamp.Tag,
			Tree: names.Tree, Notes: filepath.Join(names.Scratch, notesName),
		},
		notes: filepath.Join(scratch, notesName),
		bin:   filepath.Join(names.Scratch, "bin"),
		file:  filepath.Join(names.Scratch, orderName),
	}
	if s.module, err = moduleOf(tree, o.Stamp.Tag); err != nil {
		return nil, err
	}
	s.repository = filepath.Join(tree, ".git")
	if o.Inside != nil {
		s.repository = filepath.Join(scratch, "repository")
		err = atomicfile.MkdirAll(s.repository)
	}
	if err == nil {
		err = markRepository(tree, o.Inside != nil)
	}
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(s.order)
	if err != nil {
		return nil, err
	}
	if err := atomicfile.WriteFile(filepath.Join(scratch, orderName), append(data, '\n'), 0o600); err != nil {
		return nil, err
	}
	bin := filepath.Join(scratch, "bin")
	if err := atomicfile.MkdirAll(bin); err != nil {
		return nil, err
	}
	// A symbolic link would lead out of another root.
	return s, placeProgram(o.Executable, bin, o.Inside == nil)
}

// The names of the files in Scratch.
const (
	orderName = "stamp.json"
	notesName = "unanswered"
)

// resolve returns a directory as the kernel names it, which is how go names the directory it runs in.
func resolve(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}

// moduleOf returns the path of the module in tree, when go can take tag for a version of it.
func moduleOf(tree, tag string) (string, error) {
	f, err := os.Open(filepath.Join(tree, "go.mod"))
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return "", err
	}
	path := modfile.ModulePath(data)
	_, major, ok := module.SplitPathVersion(path)
	if path == "" || !ok {
		return "", errors.New("go.mod names no module")
	}
	if err := module.CheckPathMajor(tag, major); err != nil {
		return "", fmt.Errorf("tag %s is no version of module %s: %w", tag, path, err)
	}
	// Go 1.24 takes the directory for the module path (modfetch/repo.go, LookupLocal) and finds no version in …/v2.
	if _, major, ok := module.SplitPathVersion(filepath.ToSlash(tree)); !ok || major != "" {
		return "", hint.Errorf("rename the directory", "directory named like a version, which keeps go 1.24 from finding that of the module")
	}
	return path, nil
}

// markRepository makes the directory by which vcs.FromDir of the go command knows the top of a git repository. That it
// is a directory is all go looks at. One that is there already has to be empty, unless it is hidden by another.
func markRepository(tree string, hidden bool) error {
	name := filepath.Join(tree, ".git")
	err := os.Mkdir(name, 0o755)
	if err == nil {
		return nil
	}
	if !errors.Is(err, fs.ErrExist) {
		return hint.With(atomicfile.Explain(tree, fmt.Errorf("marking the tree as a repository: %w", err)), "build from a tree that may be written to: go looks for .git in it")
	}
	entries, err := os.ReadDir(name) // an error also where .git is a file, as in a worktree
	if err != nil || len(entries) > 0 && !hidden {
		return hint.Errorf("build without the stand-in: git itself knows the commit", "%s: %w", tree, ErrCheckout)
	}
	return nil
}

// placeProgram puts the program into bin under the name git: as a link where there are links, else as a copy.
func placeProgram(program, bin string, symlink bool) error {
	program, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	info, err := os.Stat(program)
	if err != nil {
		return fmt.Errorf("program to stand in for git: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("program to stand in for git: %s is no program", program)
	}
	name := filepath.Join(bin, "git")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if symlink && os.Symlink(program, name) == nil || os.Link(program, name) == nil {
		return nil
	}
	return atomicfile.Write(name, 0o755, func(w io.Writer) error {
		f, err := os.Open(program)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	})
}

// Tree is the directory that the go command must run in, absolute and without symbolic links, as go names it.
func (s *Shim) Tree() string { return s.order.Tree }

// Repository is the empty directory that go takes for the repository of the tree. Where go runs in another root, it has to
// be .git of the tree there.
func (s *Shim) Repository() string { return s.repository }

// Env returns the variables that put the stand-in before git for one go command, given the environment that they go on
// top of (KEY=VALUE, the last of a key wins).
func (s *Shim) Env(environ []string) []string {
	path := s.bin
	for _, entry := range slices.Backward(environ) {
		if old, ok := strings.CutPrefix(entry, "PATH="); ok {
			if old != "" {
				path += string(filepath.ListSeparator) + old
			}
			break
		}
	}
	return []string{"PATH=" + path, StampVariable + "=" + s.file}
}

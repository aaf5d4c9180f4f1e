package gitshim

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A question is one command line of git that the go command runs to stamp a binary.
type question struct {
	// args are the arguments. In braces stands what differs from stamp to stamp, see order.fits.
	args []string
	// answer is what git does. file is the one that {file} stands for.
	answer func(o order, file string) (reply, error)
}

// reply is what git prints, and its exit status.
type reply struct {
	stdout, stderr string
	status         int
}

// questions are those of Go 1.24, 1.25 and 1.26, in the order that they come in. The files are those of
// cmd/go/internal; cmd/go/internal/load/pkg.go, setBuildInfo, is where they all start. What the same files ask of a
// repository they fetch a module from (init, fetch, ls-remote, archive, version …) is none of them.
var questions = []question{
	// Go 1.24 to 1.26, vcs/vcs.go, gitStatus: any output is vcs.modified=true.
	{[]string{"status", "--porcelain"}, silence},

	// Go 1.24 to 1.26, vcs/vcs.go, gitStatus: vcs.revision and vcs.time.
	{[]string{"-c", "log.showsignature=false", "log", "-1", "--format=%H:%ct"}, revisionAndTime},

	// Go 1.25 and 1.26, modfetch/codehost/git.go, checkConfigSHA256.
	{[]string{"config", "extensions.objectformat"}, objectFormat},

	// Go 1.24, then 1.25 and 1.26, modfetch/codehost/git.go, statLocal: the tags of the commit, then the commit of the tag.
	{[]string{"-c", "log.showsignature=false", "log", "--no-decorate", "-n1", "--format=format:%H %ct %D", "{revision}", "--"}, commitAndTags},
	{[]string{"-c", "log.showsignature=false", "log", "--no-decorate", "-n1", "--format=format:%H %ct %D", "--end-of-options", "{revision}", "--"}, commitAndTags},

	// Go 1.24 to 1.26, modfetch/codehost/git.go, loadLocalTags.
	{[]string{"tag", "-l"}, tags},

	// Go 1.24, then 1.25 and 1.26, modfetch/codehost/git.go, ReadFile: whether the module at the tag is this one.
	{[]string{"cat-file", "blob", "{commit}:{file}"}, fileOfCommit},
	{[]string{"cat-file", "--end-of-options", "blob", "{commit}:{file}"}, fileOfCommit},

	// Go 1.24, then 1.25 and 1.26, modfetch/codehost/git.go, RecentTag: only for a module that the tag is no version of,
	// such as one in a subdirectory.
	{[]string{"for-each-ref", "--format", "%(refname)", "refs/tags", "--merged", "{commit}"}, tagRefs},
	{[]string{"for-each-ref", "--format=%(refname)", "--merged={commit}"}, tagRefs},
}

// answer returns what git says to args in the directory dir. The error is for a question that gets no answer.
func (o order) answer(dir string, args []string) (reply, error) {
	if !sameDirectory(dir, o.Tree) {
		return reply{}, fmt.Errorf("%w: %s is another directory than %s", errElsewhere, dir, o.Tree)
	}
	for _, q := range questions {
		if file, ok := o.match(q.args, args); ok {
			return q.answer(o, file)
		}
	}
	return reply{}, errUnknown
}

// match tells whether args are those of a pattern, and which file they ask for, if any.
func (o order) match(pattern, args []string) (file string, ok bool) {
	if len(pattern) != len(args) {
		return "", false
	}
	for i, p := range pattern {
		name, ok := o.fits(p, args[i])
		if !ok {
			return "", false
		}
		if name != "" {
			file = name
		}
	}
	return file, true
}

// fits compares one argument with its pattern: {commit} is the commit, {revision} the commit, its twelve digits of a
// pseudo-version or the tag, {file} a go.mod in the tree.
func (o order) fits(pattern, arg string) (file string, ok bool) {
	switch pattern {
	case "{revision}":
		return "", slices.Contains([]string{o.Commit, o.Commit[:12], "refs/tags/" + o.Tag}, arg)
	case "{commit}:{file}":
		file, ok := strings.CutPrefix(arg, o.Commit+":")
		return file, ok && path.Base(file) == "go.mod" && path.Clean(file) == file && filepath.IsLocal(file)
	}
	return "", arg == strings.ReplaceAll(pattern, "{commit}", o.Commit)
}

// sameDirectory tells whether two names are of one directory. A name that is not absolute is of none.
func sameDirectory(a, b string) bool {
	if !filepath.IsAbs(a) || !filepath.IsAbs(b) {
		return false
	}
	if filepath.Clean(a) == filepath.Clean(b) {
		return true
	}
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

func silence(order, string) (reply, error) { return reply{}, nil }

func revisionAndTime(o order, _ string) (reply, error) {
	return reply{stdout: fmt.Sprintf("%s:%d\n", o.Commit, o.Time)}, nil
}

func commitAndTags(o order, _ string) (reply, error) {
	// No newline at the end: "format:" separates commits, it does not end them.
	return reply{stdout: fmt.Sprintf("%s %d HEAD, tag: %s", o.Commit, o.Time, o.Tag)}, nil
}

func objectFormat(o order, _ string) (reply, error) {
	if len(o.Commit) == 64 {
		return reply{stdout: "sha256\n"}, nil
	}
	return reply{status: 1}, nil // git's word for a variable that is not set
}

func tags(o order, _ string) (reply, error) { return reply{stdout: o.Tag + "\n"}, nil }

func tagRefs(o order, _ string) (reply, error) {
	return reply{stdout: "refs/tags/" + o.Tag + "\n"}, nil
}

// maxFile bounds the files that are read out of a tree, as go does: MaxGoMod in cmd/go/internal/modfetch/codehost.
const maxFile = 16 << 20

// fileOfCommit answers from the tree. What was changed there to make it buildable, such as a go.mod without the modules
// that are served nowhere, is as good: go reads only the module path and the retractions.
func fileOfCommit(o order, file string) (reply, error) {
	f, err := os.OpenInRoot(o.Tree, filepath.FromSlash(file))
	if errors.Is(err, fs.ErrNotExist) {
		return reply{stderr: fmt.Sprintf("fatal: path '%s' does not exist in '%s'\n", file, o.Commit), status: 128}, nil
	}
	if err != nil {
		return reply{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return reply{}, err
	}
	if len(data) > maxFile {
		return reply{}, fmt.Errorf("%s in %s is longer than %d bytes", file, o.Tree, maxFile)
	}
	return reply{stdout: string(data)}, nil
}

package gitshim_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/gitshim"
)

// asked is a question as go asks it, with the answer. COMMIT and SHORT stand for that of the stamp.
type asked struct {
	name   string
	args   []string
	stdout string
	status int
}

// everything go asks. It is written out beside the table in questions.go so that neither changes alone.
func everything() []asked {
	logTags := []string{"-c", "log.showsignature=false", "log", "--no-decorate", "-n1", "--format=format:%H %ct %D"}
	long := func(rest ...string) []string { return append(slices.Clone(logTags), rest...) }
	const goMod = "module example.org/tree\n\ngo 1.24\n"
	return []asked{
		{"changes", []string{"status", "--porcelain"}, "", 0},
		{"revision and time", []string{"-c", "log.showsignature=false", "log", "-1", "--format=%H:%ct"}, "COMMIT:1756289344\n", 0},
		{"object format", []string{"config", "extensions.objectformat"}, "", 1},
		{"tags of the commit, 1.24", long("COMMIT", "--"), "COMMIT 1756289344 HEAD, tag: v1.34.0", 0},
		{"tags of the commit", long("--end-of-options", "COMMIT", "--"), "COMMIT 1756289344 HEAD, tag: v1.34.0", 0},
		{"tags of a pseudo-version's commit", long("--end-of-options", "SHORT", "--"), "COMMIT 1756289344 HEAD, tag: v1.34.0", 0},
		{"commit of the tag, 1.24", long("refs/tags/v1.34.0", "--"), "COMMIT 1756289344 HEAD, tag: v1.34.0", 0},
		{"commit of the tag", long("--end-of-options", "refs/tags/v1.34.0", "--"), "COMMIT 1756289344 HEAD, tag: v1.34.0", 0},
		{"tags", []string{"tag", "-l"}, "v1.34.0\n", 0},
		{"module, 1.24", []string{"cat-file", "blob", "COMMIT:go.mod"}, goMod, 0},
		{"module", []string{"cat-file", "--end-of-options", "blob", "COMMIT:go.mod"}, goMod, 0},
		{"module in a subdirectory", []string{"cat-file", "--end-of-options", "blob", "COMMIT:sub/go.mod"}, "module example.org/tree/sub\n", 0},
		{"module that is not there", []string{"cat-file", "--end-of-options", "blob", "COMMIT:v2/go.mod"}, "", 128},
		{"tags before the commit, 1.24", []string{"for-each-ref", "--format", "%(refname)", "refs/tags", "--merged", "COMMIT"}, "refs/tags/v1.34.0\n", 0},
		{"tags before the commit", []string{"for-each-ref", "--format=%(refname)", "--merged=COMMIT"}, "refs/tags/v1.34.0\n", 0},
	}
}

// about puts a commit into the question.
func (a asked) about(commit string) asked {
	r := strings.NewReplacer("COMMIT", commit, "SHORT", commit[:12])
	for i, arg := range a.args {
		a.args[i] = r.Replace(arg)
	}
	a.stdout = r.Replace(a.stdout)
	return a
}

func TestQuestions(t *testing.T) {
	t.Parallel()
	shim := prepare(t, tree(t), stamp())
	for _, q := range everything() {
		q = q.about(commit)
		t.Run(q.name, func(t *testing.T) {
			t.Parallel()
			var out, errs strings.Builder
			status := gitshim.Answer(stampFile(t, shim), shim.Tree(), q.args, &out, &errs)
			if status != q.status || out.String() != q.stdout {
				t.Errorf("git %q: status %d, says %q, complains %q", q.args, status, out.String(), errs.String())
			}
			if err := shim.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Every question of the table is one of the test above: each pattern has the arguments of one of them.
func TestQuestionsAreAllTested(t *testing.T) {
	t.Parallel()
	fits := func(pattern, arg string) bool {
		r := strings.NewReplacer("{commit}", "COMMIT", "{revision}", "COMMIT", "{file}", "go.mod")
		return r.Replace(pattern) == arg
	}
	for _, pattern := range gitshim.Questions() {
		if !slices.ContainsFunc(everything(), func(q asked) bool { return slices.EqualFunc(pattern, q.args, fits) }) {
			t.Errorf("no test asks git %q", pattern)
		}
	}
}

// What is nearly a question is none.
func TestNearlyQuestions(t *testing.T) {
	t.Parallel()
	shim := prepare(t, tree(t), stamp())
	other := strings.Repeat("0", 40)
	for _, args := range [][]string{
		nil,
		{"status"},
		{"status", "--porcelain", "-uno"},
		{"config", "extensions.worktreeconfig"},
		{"tag", "-l", "v1.*"},
		{"tag", "--end-of-options", "v1.34.0", commit},
		{"cat-file", "blob", other + ":go.mod"},
		{"cat-file", "blob", commit + ":main.go"},
		{"cat-file", "blob", commit + ":../go.mod"},
		{"cat-file", "blob", commit + ":/go.mod"},
		{"ls-remote", "-q", "--end-of-options", shim.Tree()},
		{"-c", "log.showsignature=false", "log", "--no-decorate", "-n1", "--format=format:%H %ct %D", "HEAD", "--"},
		{"-c", "log.showsignature=false", "log", "--no-decorate", "-n1", "--format=format:%H %ct %D", "refs/tags/v1.35.0", "--"},
		{"for-each-ref", "--format=%(refname)", "--merged=" + other},
	} {
		var out, errs strings.Builder
		if status := gitshim.Answer(stampFile(t, shim), shim.Tree(), args, &out, &errs); status != 128 || out.String() != "" {
			t.Errorf("git %q: status %d, says %q", args, status, out.String())
		}
	}
}

// A link in the tree does not lead the stand-in out of it.
func TestFileOutsideTheTree(t *testing.T) {
	t.Parallel()
	dir, outside := tree(t), t.TempDir()
	write(t, outside, "go.mod", "module example.org/outside\n")
	if err := os.Symlink(outside, filepath.Join(dir, "v2")); err != nil {
		t.Skip(err)
	}
	shim := prepare(t, dir, stamp())
	var out, errs strings.Builder
	status := gitshim.Answer(stampFile(t, shim), shim.Tree(), []string{"cat-file", "blob", commit + ":v2/go.mod"}, &out, &errs)
	if status != 128 || out.String() != "" || shim.Check() == nil {
		t.Errorf("status %d, says %q", status, out.String())
	}
}

func TestObjectFormatSHA256(t *testing.T) {
	t.Parallel()
	s := stamp()
	s.Commit = strings.Repeat("0a", 32)
	shim := prepare(t, tree(t), s)
	var out, errs strings.Builder
	if status := gitshim.Answer(stampFile(t, shim), shim.Tree(), []string{"config", "extensions.objectformat"}, &out, &errs); status != 0 || out.String() != "sha256\n" {
		t.Errorf("status %d, says %q", status, out.String())
	}
}

// realGit runs git in dir, away from the configuration of whoever runs the test.
func realGit(t *testing.T, dir string, args ...string) (stdout string, status int) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C",
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_AUTHOR_DATE=1700000000 +0200",
		"GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@example.org", "GIT_COMMITTER_DATE=1756289344 -0700")
	out, err := cmd.Output()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// checkout makes the tree a repository with one commit at a tag, as the package promises to answer for, and returns its
// stamp.
func checkout(t *testing.T, dir string) gitshim.Stamp {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	for _, args := range [][]string{
		{"init", "-q"}, {"checkout", "-q", "-b", "release"}, {"add", "."}, {"commit", "-q", "-m", "Release"},
		{"tag", "v1.34.0"}, {"checkout", "-q", "--detach"}, {"branch", "-q", "-D", "release"},
	} {
		if out, status := realGit(t, dir, args...); status != 0 {
			t.Fatalf("git %q: status %d, says %s", args, status, out)
		}
	}
	out, _ := realGit(t, dir, "log", "-1", "--format=%H %ct")
	fields := strings.Fields(out)
	seconds, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return gitshim.Stamp{Commit: fields[0], Time: time.Unix(seconds, 0), Tag: "v1.34.0"}
}

// git itself gives the answers of the test above, byte for byte.
func TestQuestionsToGit(t *testing.T) {
	t.Parallel()
	dir := tree(t)
	s := checkout(t, dir)
	for _, q := range everything() {
		q = q.about(s.Commit)
		if out, status := realGit(t, dir, q.args...); status != q.status || out != q.stdout {
			t.Errorf("%s: git %q: status %d, says %q; want %d, %q", q.name, q.args, status, out, q.status, q.stdout)
		}
	}
}

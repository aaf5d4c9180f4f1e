package gitshim_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/gitshim"
	"kubedist/pkg/hint"
)

// forget names a word of the questions that the stand-in of a test does not know.
const forget = "GITSHIM_TEST_FORGET"

// The test binary is the program that stands in for git.
func TestMain(m *testing.M) {
	file, asked := gitshim.Asked(os.Args[0], os.Getenv)
	if !asked {
		os.Exit(m.Run())
	}
	if word := os.Getenv(forget); word != "" {
		gitshim.Forget(word)
	}
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	os.Exit(gitshim.Answer(file, dir, os.Args[1:], os.Stdout, os.Stderr))
}

const commit = "f28b4c9efbca5c5c0af716d9f2d5702667ee8a45"

func stamp() gitshim.Stamp {
	return gitshim.Stamp{Commit: commit, Time: time.Unix(1756289344, 0), Tag: "v1.34.0"}
}

// write puts files into dir, name and content in turn.
func write(t *testing.T, dir string, files ...string) {
	t.Helper()
	for i := 0; i < len(files); i += 2 {
		name := filepath.Join(dir, filepath.FromSlash(files[i]))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// tree makes a small module.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "go.mod", "module example.org/tree\n\ngo 1.24\n", "main.go", "package main\n\nfunc main() {}\n", "sub/go.mod", "module example.org/tree/sub\n")
	return dir
}

func prepare(t *testing.T, dir string, s gitshim.Stamp) *gitshim.Shim {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	shim, err := gitshim.Prepare(gitshim.Options{Tree: dir, Scratch: t.TempDir(), Executable: self, Stamp: s})
	if err != nil {
		t.Fatal(err)
	}
	return shim
}

// stampFile returns the file that the environment of a build names.
func stampFile(t *testing.T, shim *gitshim.Shim) string {
	t.Helper()
	for _, entry := range shim.Env(nil) {
		if file, ok := strings.CutPrefix(entry, gitshim.StampVariable+"="); ok {
			return file
		}
	}
	t.Fatal("the environment names no stamp")
	return ""
}

func TestAsked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		arg0, value string
		want        bool
	}{
		{"git", "/stamp", true},
		{"/scratch/bin/git", "/stamp", true},
		{"git.exe", "/stamp", true},
		{"git", "", false},
		{"kubedist", "/stamp", false},
		{"/home/git/kubedist", "/stamp", false},
		{"", "/stamp", false},
	} {
		file, ok := gitshim.Asked(c.arg0, func(name string) string {
			if name == gitshim.StampVariable {
				return c.value
			}
			return "other"
		})
		if ok != c.want || file != c.value {
			t.Errorf("Asked(%q) with %q gives %q, %v", c.arg0, c.value, file, ok)
		}
	}
}

func TestPrepareRefuses(t *testing.T) {
	t.Parallel()
	with := func(change func(*gitshim.Stamp)) gitshim.Stamp {
		s := stamp()
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		stamp gitshim.Stamp
		files []string
		below string
		says  string
	}{
		"short commit":     {with(func(s *gitshim.Stamp) { s.Commit = commit[:12] }), nil, "", "is no git commit"},
		"upper-case":       {with(func(s *gitshim.Stamp) { s.Commit = strings.ToUpper(commit) }), nil, "", "is no git commit"},
		"no time":          {with(func(s *gitshim.Stamp) { s.Time = time.Time{} }), nil, "", "commit time"},
		"part of a second": {with(func(s *gitshim.Stamp) { s.Time = s.Time.Add(1) }), nil, "", "commit time"},
		"no tag":           {with(func(s *gitshim.Stamp) { s.Tag = "" }), nil, "", "is no release"},
		"short tag":        {with(func(s *gitshim.Stamp) { s.Tag = "v1.34" }), nil, "", "is no release"},
		"build metadata":   {with(func(s *gitshim.Stamp) { s.Tag = "v1.34.0+5" }), nil, "", "is no release"},
		"pseudo-version":   {with(func(s *gitshim.Stamp) { s.Tag = "v0.0.0-20250827100904-f28b4c9efbca" }), nil, "", "is no release"},
		"other major":      {with(func(s *gitshim.Stamp) { s.Tag = "v2.0.0" }), nil, "", "no version of module example.org/tree"},
		"checkout":         {stamp(), []string{".git/HEAD", "ref: refs/heads/main\n"}, "", gitshim.ErrCheckout.Error()},
		"worktree":         {stamp(), []string{".git", "gitdir: /elsewhere\n"}, "", gitshim.ErrCheckout.Error()},
		"no module":        {stamp(), []string{"other/main.go", "package main\n"}, "other", "go.mod"},
		"named v2":         {stamp(), []string{"v2/go.mod", "module example.org/tree\n"}, "v2", "named like a version"},
		"named v1.34.0":    {stamp(), []string{"v1.34.0/go.mod", "module example.org/tree\n"}, "v1.34.0", "named like a version"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := tree(t)
			write(t, dir, c.files...)
			_, err := gitshim.Prepare(gitshim.Options{Tree: filepath.Join(dir, c.below), Scratch: t.TempDir(), Executable: os.Args[0], Stamp: c.stamp})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error is %v", err)
			}
		})
	}
}

// Two builds of one tree each prepare a stand-in of their own.
func TestPrepareTwice(t *testing.T) {
	t.Parallel()
	dir := tree(t)
	prepare(t, dir, stamp())
	prepare(t, dir, stamp())
}

func TestPrepareNeedsAProgram(t *testing.T) {
	t.Parallel()
	_, err := gitshim.Prepare(gitshim.Options{Tree: tree(t), Scratch: t.TempDir(), Executable: filepath.Join(t.TempDir(), "kubedist"), Stamp: stamp()})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
}

// An unanswered question is said on the standard error, noted once, and refuses the build, with what to do about it.
func TestUnanswered(t *testing.T) {
	t.Parallel()
	shim := prepare(t, tree(t), stamp())
	if err := shim.Check(); err != nil {
		t.Fatalf("nothing was asked: %v", err)
	}
	var errs strings.Builder
	ask := func(dir string, args ...string) {
		t.Helper()
		errs.Reset()
		var out strings.Builder
		if status := gitshim.Answer(stampFile(t, shim), dir, args, &out, &errs); status != 128 || out.String() != "" {
			t.Errorf("git %q: status %d, says %q", args, status, out.String())
		}
	}
	ask(shim.Tree(), "describe", "--match=v* x")
	ask(shim.Tree(), "describe", "--match=v* x")
	for _, says := range []string{`git describe "--match=v* x"`, "hint: build from a git checkout"} {
		if !strings.Contains(errs.String(), says) {
			t.Errorf("standard error is %q, without %q", errs.String(), says)
		}
	}
	err := shim.Check()
	if !errors.Is(err, gitshim.ErrUnanswered) || strings.Count(err.Error(), "describe") != 1 || !strings.Contains(hint.Of(err), "--source DIR") {
		t.Errorf("error is %v, hint %q", err, hint.Of(err))
	}
	// The same question that has an answer for the tree has none for the repository of a dependency.
	ask(t.TempDir(), "tag", "-l")
	if !strings.Contains(errs.String(), "go mod download") {
		t.Errorf("standard error is %q", errs.String())
	}
	for _, word := range []string{"a", "b", "c", "d"} {
		ask(shim.Tree(), word)
	}
	if err := shim.Check(); !strings.Contains(err.Error(), "and 3 more") {
		t.Errorf("error is %v", err)
	}
}

func TestAnswerWithoutStamp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "empty", "{}", "other", `{"branch":"main"}`)
	for _, name := range []string{"missing", "empty", "other"} {
		var out, errs strings.Builder
		status := gitshim.Answer(filepath.Join(dir, name), dir, []string{"status", "--porcelain"}, &out, &errs)
		if status != 128 || out.String() != "" || !strings.Contains(errs.String(), "version control stamp") {
			t.Errorf("%s: status %d, says %q, complains %q", name, status, out.String(), errs.String())
		}
	}
}

func FuzzParseOrder(f *testing.F) {
	f.Add([]byte(`{"commit":"` + commit + `","time":1756289344,"tag":"v1.34.0","tree":"/tree","notes":"/notes"}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if o, err := gitshim.ParseOrder(data); err == nil && (len(o.Commit) < 40 || o.Tree == "") {
			t.Errorf("%q gives %+v", data, o)
		}
	})
}

func FuzzParseNotes(f *testing.F) {
	f.Add([]byte(`{"args":["tag"],"dir":"/","why":"unknown"}` + "\n"))
	f.Add([]byte("{\"args\":[\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		notes := gitshim.ParseNotes(data)
		if len(notes) == 0 && len(strings.TrimSpace(string(data))) > 0 {
			t.Errorf("%q gives no question", data)
		}
	})
}

// Where go runs in another root, the stand-in speaks of names there and is no link out of it.
func TestInside(t *testing.T) {
	t.Parallel()
	scratch := t.TempDir()
	shim, err := gitshim.Prepare(gitshim.Options{
		Tree: tree(t), Scratch: scratch, Executable: os.Args[0], Inside: &gitshim.Inside{Tree: "/go/src/x", Scratch: "/stamp"}, Stamp: stamp(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if env := strings.Join(shim.Env([]string{"PATH=/bin"}), " "); shim.Tree() != "/go/src/x" || env != "PATH=/stamp/bin:/bin KUBEDIST_GIT_STAMP=/stamp/stamp.json" {
		t.Errorf("tree %s, environment %s", shim.Tree(), env)
	}
	if info, err := os.Lstat(filepath.Join(scratch, "bin", "git")); err != nil || !info.Mode().IsRegular() {
		t.Errorf("stand-in: %v, %v", info, err)
	}
	order, err := os.ReadFile(filepath.Join(scratch, "stamp.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(order), `"tree":"/go/src/x","notes":"/stamp/unanswered"`) {
		t.Errorf("order %s", order)
	}
	if entries, err := os.ReadDir(shim.Repository()); err != nil || len(entries) > 0 || filepath.Dir(shim.Repository()) != scratch {
		t.Errorf("repository %s: %v, %v", shim.Repository(), entries, err)
	}
	// What is noted inside is read outside.
	if err := os.WriteFile(filepath.Join(scratch, "unanswered"), []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := shim.Check(); !errors.Is(err, gitshim.ErrUnanswered) {
		t.Errorf("error %v", err)
	}
}

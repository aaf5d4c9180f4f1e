package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/hint"
)

// buildDate is what tests give for directories that tell no time.
var buildDate = time.Date(2026, 7, 22, 18, 7, 38, 0, time.UTC)

// repository is a git repository of a test.
type repository struct {
	t   *testing.T
	dir string
}

func newRepository(t *testing.T, dir string) repository {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	r := repository{t, dir}
	r.git("init", "-q", "-b", "master")
	return r
}

func (r repository) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.org",
		"GIT_AUTHOR_DATE=2026-07-22T18:07:38Z", "GIT_COMMITTER_DATE=2026-07-22T18:09:04Z",
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r repository) commit(tags ...string) {
	r.t.Helper()
	r.git("add", "-A")
	r.git("commit", "-q", "--allow-empty", "-m", "a commit")
	for _, tag := range tags {
		r.git("tag", tag)
	}
}

// user is the environment that git needs to read a repository of another test process.
func gitUser() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_DIR=/nowhere"}
}

func TestOpenCheckout(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		prepare func(r repository)
		ask     string
		version string
		state   string
		want    string // of the error
		hint    string
	}{
		{"at a tag", func(r repository) { r.commit("v1.36.3") }, "v1.36.3", "v1.36.3", StateClean, "", ""},
		{"version not asked for", func(r repository) { r.commit("v1.36.3") }, "", "v1.36.3", StateClean, "", ""},
		{"pre-release", func(r repository) { r.commit("v1.37.0-alpha.1") }, "v1.37.0-alpha.1", "v1.37.0-alpha.1", StateClean, "", ""},
		{"after a tag", func(r repository) { r.commit("v1.36.3"); r.commit(); r.commit() }, "", "v1.36.3-2+COMMIT", StateClean, "", ""},
		{"after a pre-release", func(r repository) { r.commit("v1.37.0-rc.0"); r.commit() }, "", "v1.37.0-rc.0.1+COMMIT", StateClean, "", ""},
		{"changed", func(r repository) {
			r.commit("v1.36.3")
			writeFiles(t, r.dir, map[string]string{"new.go": "package x\n"})
		}, "", "v1.36.3-dirty", StateDirty, "", ""},
		{"ignored files are no change", func(r repository) {
			writeFiles(t, r.dir, map[string]string{".gitignore": "_output\n"})
			r.commit("v1.36.3")
			writeFiles(t, r.dir, map[string]string{"_output/x": "x"})
		}, "v1.36.3", "v1.36.3", StateClean, "", ""},
		{"changed, release asked for", func(r repository) {
			r.commit("v1.36.3")
			writeFiles(t, r.dir, map[string]string{"new.go": "package x\n"})
		}, "v1.36.3", "", "", "is v1.36.3 with changes", "commit or remove the changes"},
		{"other version asked for", func(r repository) { r.commit("v1.36.2") }, "v1.36.3", "", "", "v1.36.3: not what the source is", "check out v1.36.3, or ask for v1.36.2"},
		{"release asked for after its tag", func(r repository) { r.commit("v1.36.3"); r.commit() }, "v1.36.3", "", "",
			"is v1.36.3-1+", "check out v1.36.3, or give the commit a tag of its own (git tag VERSION) and ask for that"},
		{"no tag", func(r repository) { r.commit() }, "v1.36.3", "v1.36.3", StateClean, "", ""},
		{"no tag, no version", func(r repository) { r.commit("release") }, "", "", "", "tells no version", "name the version"},
		{"nothing committed", func(repository) {}, "v1.36.3", "", "", "asking git about", ""},
		{"tag that is no version", func(r repository) { r.commit("vendored") }, "", "", "", "is no semantic version", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRepository(t, smallTree(t))
			c.prepare(r)
			tree, err := Open(t.Context(), Options{Module: "k8s.io/kubernetes", Directory: r.dir, Version: c.ask, Environ: gitUser()})
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(hint.Of(err), c.hint) {
					t.Errorf("error %v, hint %q; want %q, %q", err, hint.Of(err), c.want, c.hint)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			commit := r.git("rev-parse", "HEAD")
			at := time.Date(2026, 7, 22, 18, 9, 4, 0, time.UTC)
			want := Stamp{
				Version: strings.ReplaceAll(c.version, "COMMIT", commit[:14]), Commit: commit, TreeState: c.state,
				BuildDate: at, CommitTime: at,
			}
			if tree.Stamp != want || tree.Dir != r.dir || tree.Origin != OriginDirectory || tree.GoVersion != "1.26.5" || tree.Toolchain != "go1.26.5" {
				t.Errorf("tree %+v, want stamp %+v", tree, want)
			}
		})
	}
}

func TestCheckoutCommitMustAgree(t *testing.T) {
	t.Parallel()
	r := newRepository(t, smallTree(t))
	r.commit("v1.36.3")
	o := Options{Module: "k8s.io/kubernetes", Directory: r.dir, Environ: gitUser(), Commit: strings.Repeat("a", 40)}
	if _, err := Open(t.Context(), o); !errors.Is(err, ErrOtherVersion) || hint.Of(err) == "" {
		t.Errorf("error %v", err)
	}
	o.Commit = r.git("rev-parse", "HEAD")
	mustOpen(t, o)
}

func TestCheckoutNeedsGit(t *testing.T) {
	r := newRepository(t, smallTree(t))
	t.Setenv("PATH", t.TempDir())
	_, err := Open(t.Context(), Options{Module: "k8s.io/kubernetes", Directory: r.dir, Environ: gitUser()})
	if err == nil || !strings.Contains(hint.Of(err), "install git") {
		t.Errorf("error %v, hint %q", err, hint.Of(err))
	}
}

// The digest of a clean checkout is that of its files: equal in two places, whatever the history.
func TestCheckoutDigest(t *testing.T) {
	t.Parallel()
	open := func(prepare func(r repository)) string {
		r := newRepository(t, smallTree(t))
		prepare(r)
		return mustOpen(t, Options{Module: "k8s.io/kubernetes", Directory: r.dir, Version: "v1.36.3", Environ: gitUser()}).Digest
	}
	one := open(func(r repository) { r.commit("v1.36.3") })
	two := open(func(r repository) { r.commit("v1.36.2"); r.commit("v1.36.3") })
	other := open(func(r repository) {
		writeFiles(t, r.dir, map[string]string{"new.go": "package x\n"})
		r.commit("v1.36.3")
	})
	if one != two || one == other {
		t.Errorf("digests %s, %s and with another file %s", one, two, other)
	}
}

// Opening a directory leaves every file and time in it as it was, git's index included.
func TestOpenDirectoryWritesNothing(t *testing.T) {
	t.Parallel()
	r := newRepository(t, smallTree(t))
	r.commit("v1.36.3")
	if err := os.Chtimes(filepath.Join(r.dir, "go.mod"), time.Time{}, buildDate.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	state := func() map[string]string {
		all := map[string]string{}
		if err := filepath.WalkDir(r.dir, func(name string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := entry.Info()
			all[name] = fmt.Sprint(info.ModTime(), info.Mode(), info.Size())
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}
	before := state()
	mustOpen(t, Options{Module: "k8s.io/kubernetes", Directory: r.dir, Environ: gitUser()})
	if after := state(); !reflect.DeepEqual(before, after) {
		t.Error("the checkout was written to")
	}
}

func TestOpenUnpacked(t *testing.T) {
	t.Parallel()
	unpacked := func(t *testing.T, o Options) (*Tree, error) {
		o.Module, o.Environ = "k8s.io/kubernetes", gitUser()
		return Open(t.Context(), o)
	}
	t.Run("inside of another repository", func(t *testing.T) {
		t.Parallel()
		outer := newRepository(t, t.TempDir())
		outer.commit("v9.9.9")
		dir := filepath.Join(outer.dir, "kubernetes")
		if err := os.CopyFS(dir, os.DirFS("testdata/kubernetes")); err != nil {
			t.Fatal(err)
		}
		tree, err := unpacked(t, Options{Directory: dir, Version: "v1.36.3", BuildDate: buildDate})
		want := Stamp{Version: "v1.36.3", TreeState: StateArchive, BuildDate: buildDate, CommitTime: buildDate}
		if err != nil || tree.Stamp != want {
			t.Errorf("tree %+v, %v", tree, err)
		}
	})
	t.Run("made by git archive", func(t *testing.T) {
		t.Parallel()
		r := newRepository(t, smallTree(t))
		writeFiles(t, r.dir, map[string]string{"hack/lib/.gitattributes": "version.sh export-subst\n"})
		r.commit("v1.36.3")
		dir := t.TempDir()
		r.git("archive", "--format=tar", "-o", filepath.Join(dir, "a.tar"), "HEAD")
		if out, err := exec.Command("tar", "-C", dir, "-xf", filepath.Join(dir, "a.tar")).CombinedOutput(); err != nil {
			t.Fatalf("tar: %v\n%s", err, out)
		}
		tree, err := unpacked(t, Options{Directory: dir, BuildDate: buildDate})
		want := Stamp{Version: "v1.36.3", Commit: r.git("rev-parse", "HEAD"), TreeState: StateArchive, BuildDate: buildDate, CommitTime: buildDate}
		if err != nil || tree.Stamp != want {
			t.Errorf("tree %+v, %v; want %+v", tree, err, want)
		}
		if _, err := unpacked(t, Options{Directory: dir, BuildDate: buildDate, Version: "v1.36.2"}); !errors.Is(err, ErrOtherVersion) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("with a version file", func(t *testing.T) {
		t.Parallel()
		dir := smallTree(t)
		writeFiles(t, dir, map[string]string{"version": "v1.36.1\n"})
		tree, err := unpacked(t, Options{Directory: dir, BuildDate: buildDate})
		if err != nil || tree.Stamp.Version != "v1.36.1" {
			t.Errorf("tree %+v, %v", tree, err)
		}
		writeFiles(t, dir, map[string]string{"version": "a book\n"})
		if _, err := unpacked(t, Options{Directory: dir, BuildDate: buildDate}); err == nil || !strings.Contains(err.Error(), `"a book"`) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("commit given", func(t *testing.T) {
		t.Parallel()
		commit := strings.Repeat("0a", 20)
		tree, err := unpacked(t, Options{Directory: smallTree(t), Version: "v1.36.3", BuildDate: buildDate, Commit: commit})
		if err != nil || tree.Stamp.Commit != commit || tree.Stamp.TreeState != StateArchive {
			t.Errorf("tree %+v, %v", tree, err)
		}
	})
	t.Run("no time", func(t *testing.T) {
		t.Parallel()
		if _, err := unpacked(t, Options{Directory: smallTree(t), Version: "v1.36.3"}); err == nil || !strings.Contains(hint.Of(err), "SOURCE_DATE_EPOCH") {
			t.Errorf("error %v", err)
		}
	})
}

func TestOpenDirectoryRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		damage func(dir string) error
		want   string
		is     error
	}{
		{"empty directory", func(dir string) error { return os.Remove(filepath.Join(dir, "go.mod")) }, "it has no go.mod", ErrNoTree},
		{"other module", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.org/other\n"), 0o600)
		}, "its go.mod says module example.org/other", ErrNoTree},
		{"no module", func(dir string) error { return os.WriteFile(filepath.Join(dir, "go.mod"), nil, 0o600) }, "names no module", nil},
		{"go.mod that is none", func(dir string) error { return os.WriteFile(filepath.Join(dir, "go.mod"), []byte("{}"), 0o600) }, "go.mod:1", nil},
		{"go.work that is none", func(dir string) error { return os.WriteFile(filepath.Join(dir, "go.work"), []byte("{}"), 0o600) }, "go.work:1", nil},
		{"go.work that leads outside", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "go.work"), []byte("go 1.26\nuse ../other\n"), 0o600)
		}, "outside the tree", nil},
		{"huge go.mod", func(dir string) error { return os.Truncate(filepath.Join(dir, "go.mod"), maxModFile+1) }, "larger than", nil},
		{"no staging module", func(dir string) error { return os.RemoveAll(filepath.Join(dir, "staging/src/k8s.io/client-go")) },
			"lacks modules that its go.work names: staging/src/k8s.io/client-go", ErrNoTree},
		{"no Go release", func(dir string) error { return os.WriteFile(filepath.Join(dir, ".go-version"), []byte("new\n"), 0o600) }, `"new" is no Go release`, nil},
		{"socket inside", func(dir string) error {
			return exec.Command("mkfifo", filepath.Join(dir, "pipe")).Run()
		}, "neither file, directory nor link", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := smallTree(t)
			if err := c.damage(dir); err != nil {
				t.Fatal(err)
			}
			_, err := Open(t.Context(), Options{Module: "k8s.io/kubernetes", Directory: dir, Version: "v1.36.3", BuildDate: buildDate, Environ: gitUser()})
			if err == nil || !strings.Contains(err.Error(), c.want) || (c.is != nil && !errors.Is(err, c.is)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestContentDigest(t *testing.T) {
	t.Parallel()
	base := digestOf(t, smallTree(t))
	for _, c := range []struct {
		name    string
		change  func(dir string) error
		differs bool
	}{
		{"nothing", func(string) error { return nil }, false},
		{"times", func(dir string) error { return os.Chtimes(filepath.Join(dir, "go.mod"), buildDate, buildDate) }, false},
		{"permissions of others", func(dir string) error { return os.Chmod(filepath.Join(dir, "go.mod"), 0o600) }, false},
		{"output", func(dir string) error { return os.MkdirAll(filepath.Join(dir, "_output", "x"), 0o755) }, false},
		{"git", func(dir string) error { return os.WriteFile(filepath.Join(dir, ".git"), []byte("gitdir: x"), 0o600) }, false},
		{"executable", func(dir string) error { return os.Chmod(filepath.Join(dir, "go.mod"), 0o755) }, true},
		{"new file", func(dir string) error { return os.WriteFile(filepath.Join(dir, "x"), nil, 0o600) }, true},
		{"removed", func(dir string) error { return os.Remove(filepath.Join(dir, "LICENSE")) }, true},
		{"renamed", func(dir string) error { return os.Rename(filepath.Join(dir, "LICENSE"), filepath.Join(dir, "LICENCE")) }, true},
		{"link", func(dir string) error { return os.Symlink("LICENSE", filepath.Join(dir, "link")) }, true},
		{"output of a package", func(dir string) error { return os.WriteFile(filepath.Join(dir, "cmd", "_output"), nil, 0o600) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := smallTree(t)
			if err := c.change(dir); err != nil {
				t.Fatal(err)
			}
			if got := digestOf(t, dir); (got != base) != c.differs {
				t.Errorf("digest %s, before %s", got, base)
			}
		})
	}
}

func TestContentDigestStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := contentDigest(ctx, "testdata/kubernetes"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func FuzzParseArchived(f *testing.F) {
	script, err := os.ReadFile("testdata/kubernetes/hack/lib/version.sh")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(script))
	f.Add("    KUBE_GIT_COMMIT='f28b4c9efbca5c5c0af716d9f2d5702667ee8a45'\n    if [[ 'HEAD -> release-1.34, tag: v1.34.0' =~ tag:\\ (v[^ ,]+) ]]; then\n")
	f.Fuzz(func(t *testing.T, script string) {
		version, commit := parseArchived([]byte(script))
		if commit != "" && !isCommit(commit) {
			t.Errorf("commit %q", commit)
		}
		if strings.ContainsAny(version, " ,'\n") {
			t.Errorf("version %q", version)
		}
	})
}

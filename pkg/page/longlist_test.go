package page_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/page"
)

// tree makes some files and returns their root.
func tree(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for i, name := range []string{"a.deb", "pool/x+y/1~2.deb", "pool/x/b", "pool/x.y/b", "pool-2/empty/", "z"} {
		file := filepath.Join(root, name)
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(file, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, make([]byte, i*i*i*i*1000), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("pool/x", filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(root, "z"), 0o600); err != nil {
		t.Fatal(err)
	}
	return root
}

// walk lists a tree.
func walk(t *testing.T, root string) *page.LongList {
	t.Helper()
	l := &page.LongList{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		names, err := os.ReadDir(name)
		if err != nil {
			return err
		}
		dir := &page.Directory{Path: rel}
		for _, n := range names {
			info, err := n.Info()
			if err != nil {
				return err
			}
			target, _ := os.Readlink(filepath.Join(name, n.Name()))
			dir.Entries = append(dir.Entries, page.Entry{Name: n.Name(), Mode: info.Mode(), Size: info.Size(), Time: info.ModTime(), Target: target})
		}
		l.Set(dir)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// line is a line of ls: mode, links, owner, group, size, and the rest.
var line = regexp.MustCompile(`^([-dl]\S{9}) +\d+ +\S+ +\S+ +(\d+) (.*)$`)

// plain leaves out what depends on the file system and on who made the files: links, owners, totals, and the sizes of
// directories.
func plain(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "total ") {
			lines[i] = "total"
		} else if m := line.FindStringSubmatch(l); m != nil && l[0] == 'd' {
			lines[i] = m[1] + " " + m[3]
		} else if m != nil {
			lines[i] = m[1] + " " + m[2] + " " + m[3]
		}
	}
	return strings.Join(lines, "\n")
}

// TestLongListAsLs compares the text with that of the real ls.
func TestLongListAsLs(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ls"); err != nil {
		t.Skip("there is no ls")
	}
	root := tree(t)
	cmd := exec.CommandContext(t.Context(), "ls", "-lR", "--time-style=long-iso")
	cmd.Dir = root
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("this ls is another one: %v", err)
	}
	if got, want := plain(string(walk(t, root).Text())), plain(string(out)); got != want {
		t.Errorf("got\n%s\nls has\n%s", got, want)
	}
}

func TestLongListChanges(t *testing.T) {
	t.Parallel()
	root := tree(t)
	text := string(walk(t, root).Text())
	l, err := page.ParseLongList([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(l.Text()); got != text {
		t.Errorf("read and written again it is\n%s\nnot\n%s", got, text)
	}
	l.Remove("pool/x")
	l.Remove("pool-2")
	l.Set(&page.Directory{Path: "pool/new\nline", Entries: []page.Entry{{Name: "a\nb", Size: 5, Time: time.Unix(0, 0)}}})
	got := string(l.Text())
	want := regexp.MustCompile(`(?s)\./pool/x:.*?\n\n`).ReplaceAllString(text, "")
	want = regexp.MustCompile(`(?s)\./pool-2.*`).ReplaceAllString(want, "")
	want = strings.Replace(want, "./pool/x+y:", "./pool/new?line:\ntotal 1\n---------- 1 root root 5 1970-01-01 00:00 a?b\n\n./pool/x+y:", 1)
	want = strings.TrimSuffix(want, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, bad := range []string{"x", "./a\n:\n", "./:\n", ".:\n", ".:\ntotal 0\n\n.:\ntotal 0\n", "../a:\n"} {
		if _, err := page.ParseLongList([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func FuzzParseLongList(f *testing.F) {
	f.Add([]byte(".:\ntotal 4\ndrwxr-xr-x 1 root root 4096 2026-07-14 09:30 pool\n\n./pool:\ntotal 0\n"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := page.ParseLongList(text)
		if err != nil {
			return
		}
		once := l.Text()
		again, err := page.ParseLongList(once)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%q", err, once)
		}
		if twice := again.Text(); string(once) != string(twice) {
			t.Fatalf("%q became %q", once, twice)
		}
	})
}

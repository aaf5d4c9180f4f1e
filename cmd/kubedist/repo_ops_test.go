package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/hint"
)

// later moves the session's clock, and goes on.
func (s *repoSession) later() *repoSession {
	s.now = s.now.Add(time.Hour)
	return s
}

// file writes a file into the session's directory.
func (s *repoSession) file(name, text string) string {
	s.t.Helper()
	name = filepath.Join(s.dir, name)
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	return name
}

// same compares what a command printed.
func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got\n%s\nwant\n%s", what, got, want)
	}
}

// TestRepoOperations goes through the life of an archive as a release manager would.
func TestRepoOperations(t *testing.T) {
	t.Parallel()
	s := newRepoSession(t)
	old, next := s.deb("kubeadm", "1.36.2-1.1", "amd64"), s.deb("kubeadm", "1.36.3-1.1", "amd64")
	s.must("add", old, "--suite", "stable")
	same(t, "snapshot", s.must("snapshot", "before"), "snapshot before: stable of 2026-11-22 10:30 (1 package)\n")

	inRelease := func() string {
		data, err := os.ReadFile(filepath.Join(s.root, "dists/stable/InRelease"))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	was := inRelease()
	out := s.later().must("add", next, "--suite", "stable", "--dry-run")
	for _, want := range []string{
		"suite stable: would be published, content changed, valid until 2027-05-21\n  + kubeadm 1.36.3-1.1  amd64\n",
		"pool: 1 file would be new, ", "nothing was published: this was a dry run\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("dry run: got\n%s\nwant %s", out, want)
		}
	}
	if inRelease() != was {
		t.Error("a dry run has published")
	}

	operations := s.file("operations", `# what a release day does
snapshot before-1.36.3
add "`+next+`" --suite unstable
copy unstable stable 'kubeadm (= 1.36.3-1.1)'   # once it is tested
remove 'kubeadm (<< 1.36.3)' --suite stable
`)
	if out := s.must("apply", operations, "--dry-run"); !strings.Contains(out, "snapshot before-1.36.3: would be kept\n") || !strings.Contains(out, "  - kubeadm 1.36.2-1.1  amd64\n  + kubeadm 1.36.3-1.1  amd64\n") {
		t.Errorf("apply, dry run: got\n%s", out)
	}
	same(t, "apply", s.must("apply", operations), `snapshot before-1.36.3: stable of 2026-11-22 10:30 (1 package)
added    kubeadm 1.36.3-1.1 amd64: [unstable]
removed  kubeadm 1.36.2-1.1 amd64: stable
copied   kubeadm 1.36.3-1.1 amd64: unstable -> stable
suite stable: published, content changed, valid until 2027-05-21
suite unstable: published, first published, valid until 2027-05-21
`)
	s.env.Stdin = strings.NewReader("copy stable@before v1.36")
	same(t, "apply -", s.must("apply", "-"), `copied   kubeadm 1.36.2-1.1 amd64: stable@before -> v1.36
suite v1.36: published, first published, valid until 2027-05-21
suite stable: unchanged, valid until 2027-05-21
suite unstable: unchanged, valid until 2027-05-21
`)
	same(t, "diff", s.must("diff", "stable@before", "stable"), "- kubeadm 1.36.2-1.1  amd64\n+ kubeadm 1.36.3-1.1  amd64\n")
	if _, _, err := s.run(t.Context(), "diff", "stable@before", "stable", "--exit-code", "--root", s.root); exitStatus(err) != exitCheck {
		t.Errorf("diff --exit-code: %v", err)
	}
	if _, _, err := s.run(t.Context(), "diff", "--exit-code", "--root", s.root); err != nil {
		t.Errorf("diff of nothing: %v", err)
	}
	if out, _, err := s.run(t.Context(), "diff", "--exit-code", "--url", "https://deb.example.org", "--root", s.root); exitStatus(err) != exitCheck || !strings.Contains(out, "dists/stable/kubernetes.sources: would be written\n") {
		t.Errorf("diff of the definition: %v\n%s", err, out)
	}
	same(t, "snapshot list", s.must("snapshot", "list"), `SNAPSHOT       SUITE   PUBLISHED            PACKAGES
before         stable  2026-11-22 10:30:00  1
before-1.36.3  stable  2026-11-22 10:30:00  1
`)
	s.later().must("add", s.deb("kubeadm", "1.36.3-1.1", "arm64"), "--suite", "stable")
	same(t, "list", s.must("list", "--by-architecture", "--suite", "stable,v1.36"), `SUITE   PACKAGE  amd64       arm64
v1.36   kubeadm  1.36.2-1.1  -
stable  kubeadm  1.36.3-1.1  1.36.3-1.1
`)
	same(t, "list of some", s.must("list", "kubeadm:arm64"), "SUITE   PACKAGE  VERSION     ARCHITECTURES\nstable  kubeadm  1.36.3-1.1  arm64\n")
	var listed []struct{ Versions map[string][]string }
	if err := json.Unmarshal([]byte(s.must("list", "--json", "--by-architecture", "--suite", "stable")), &listed); err != nil || len(listed) != 1 || listed[0].Versions["arm64"][0] != "1.36.3-1.1" {
		t.Errorf("list --json: %v, %+v", err, listed)
	}
	same(t, "rollback", s.later().must("rollback", "stable", "before"), `added    kubeadm 1.36.2-1.1 amd64: stable
removed  kubeadm 1.36.3-1.1 amd64 arm64: stable
suite v1.36: unchanged, valid until 2027-05-21
suite stable: published, content changed, valid until 2027-05-21
suite unstable: unchanged, valid until 2027-05-21
`)
	s.must("verify")
	same(t, "snapshot remove, dry run", s.must("snapshot", "remove", "before", "--dry-run"), "to remove: snapshot before\n")
	same(t, "snapshot remove", s.must("snapshot", "remove", "before", "before-1.36.3"), "removed snapshot before\nremoved snapshot before-1.36.3\n")
}

func TestRepoInitAndImport(t *testing.T) {
	t.Parallel()
	s := newRepoSession(t)
	definition := filepath.Join(s.dir, "conf", "archive.yaml")
	flags := []string{"--definition", definition, "--url", "https://deb.example.org", "--origin", "Example", "--suite", "testing,stable", "--architecture", "amd64"}
	if out := s.must(append([]string{"init", "--dry-run"}, flags...)...); !strings.Contains(out, "\norigin: Example\n") || !strings.Contains(out, `  - {name: "stable", accepts: "*"}`) {
		t.Errorf("dry run: got\n%s", out)
	}
	same(t, "init", s.must(append([]string{"init"}, flags...)...), `suite testing: published, first published, valid until 2027-05-21
suite stable: published, first published, valid until 2027-05-21
`)
	s.must("verify")
	for _, c := range []struct {
		args []string
		want string
	}{
		{flags, "archive.yaml: is there already"},
		{[]string{"--definition", definition}, "is there already, with the suite testing"},
		{[]string{"--definition", definition + ".other"}, "archive: has no URL"},
	} {
		if _, _, err := s.run(t.Context(), append([]string{"init", "--root", s.root}, c.args...)...); exitStatus(err) != exitUsage || !strings.Contains(err.Error(), c.want) {
			t.Errorf("init %v: got %v, want %s", c.args, err, c.want)
		}
	}
	keyring := newRepoSession(t)
	withKeyring := filepath.Join(keyring.dir, "archive.yaml")
	keyring.must("init", "--definition", withKeyring, "--url", "https://deb.example.org", "--suite", "stable", "--maintainer", "Example <us@example.org>")
	if out := keyring.must("list", "--definition", withKeyring); !regexp.MustCompile(`(?m)^stable +kubernetes-archive-keyring +2024\.01\.01 +all$`).MatchString(out) {
		t.Errorf("an archive with a maintainer has\n%s", out)
	}
	s.must("add", s.deb("tool", "1-1", "amd64"), "--suite", "testing", "--definition", definition)
	old := s.root
	s.root = filepath.Join(s.dir, "taken")
	s.later()
	if out := s.must("import", old, "--definition", definition, "--dry-run"); !strings.Contains(out, "  + tool 1-1  amd64\n") {
		t.Errorf("import, dry run: got\n%s", out)
	}
	same(t, "import", s.must("import", old, "--definition", definition, "--suite", "testing"), `added    tool 1-1 amd64: [testing]
suite testing: published, first published, valid until 2027-05-21
`)
	s.must("verify")
	other := s.file("old.gpg", "x")
	if _, _, err := s.run(t.Context(), "import", old, "--root", s.root, "--definition", definition, "--keyring", other); exitStatus(err) != exitUsage {
		t.Errorf("import with no key: %v", err)
	}
	if _, _, err := s.run(t.Context(), "import", s.dir, "--root", s.root, "--definition", definition); exitStatus(err) != exitUsage || !strings.Contains(err.Error(), "no Release or InRelease") {
		t.Errorf("import of nothing: %v", err)
	}
}

func TestRepoApplyErrors(t *testing.T) {
	t.Parallel()
	s := newRepoSession(t)
	file := s.deb("kubeadm", "1.36.3-1.1", "amd64")
	for _, c := range []struct{ text, want string }{
		{"", "operations: no operation in it"},
		{"# nothing\n\n", "operations: no operation in it"},
		{"publish", `operations:1: operation "publish": unknown`},
		{"\n\nadd", "operations:3: add: nothing is named"},
		{"add " + file + "\ncopy stable", "operations:2: copy: needs FROM and TO, got 1 argument"},
		{"add none.deb", "operations:1: stat none.deb: no such file"},
		{"add " + file + " --sweet", "operations:1: unknown flag: --sweet"},
		{"remove kubeadm", "operations:1: suites: none is named"},
		{"remove 'kubeadm (1' --suite stable", `operations:1: relation "kubeadm (1"`},
		{"remove 'kubeadm", "operations:1: single quote: not closed"},
		{"add " + file + "\ncopy unstable v1.35", "operations:2: package kubeadm 1.36.3-1.1 (amd64): suite v1.35 accepts ~1.35 alone"},
		{"add " + file + "\nsnapshot late", "operations:2: snapshot late: would not have what the operations above it change"},
		{"rollback none", "operations:1: snapshot none: "},
	} {
		_, _, err := s.run(t.Context(), "apply", s.file("operations", c.text), "--root", s.root)
		if exitStatus(err) != exitUsage || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got status %d: %v (hint %q), want %s", c.text, exitStatus(err), err, hint.Of(err), c.want)
		}
	}
	if _, err := os.Stat(filepath.Join(s.root, "dists")); err == nil {
		t.Error("something was published")
	}
}

func TestSplitWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ line, want string }{
		{"", ""}, {"  \t# x", ""}, {"a  b\tc\r", "a|b|c"}, {`'a b'c "d 'e' \" \\" f\ g`, `a bc|d 'e' " \|f g`}, {`'' ""`, "|"}, {"a#b #c", "a#b"},
	} {
		words, err := splitWords(c.line)
		if got := strings.Join(words, "|"); err != nil || got != c.want {
			t.Errorf("%q: got %q, %v, want %q", c.line, got, err, c.want)
		}
	}
	for _, line := range []string{"'a", `"a`, `"a\"`, `a\`} {
		if words, err := splitWords(line); err == nil {
			t.Errorf("%q: got %q", line, words)
		}
	}
}

func FuzzSplitWords(f *testing.F) {
	for _, seed := range []string{"", "a 'b c' \"d\\\"\" # e", `\`, "'"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, err := splitWords(line)
		if err != nil {
			return
		}
		// Words in single quotes are the same words; those that hold one cannot be written so.
		var quoted []string
		for _, w := range words {
			if strings.Contains(w, "'") {
				return
			}
			quoted = append(quoted, "'"+w+"'")
		}
		again, err := splitWords(strings.Join(quoted, " "))
		if err != nil || strings.Join(again, "|") != strings.Join(words, "|") || len(again) != len(words) {
			t.Errorf("%q: got %q, then %q, %v", line, words, again, err)
		}
	})
}

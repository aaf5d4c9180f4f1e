package apt

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"kubedist/pkg/deb"
	"kubedist/pkg/page"
)

// FailAt makes the n-th change to the disk from now on fail, and all that follow it, as if the process had been killed
// there: it neither writes the rest nor cleans up. It reports how many changes there were.
func (t *Transaction) FailAt(n int, err error) (count *int) {
	count = new(int)
	var mu sync.Mutex
	t.disk.before = func(string, string) error {
		mu.Lock()
		defer mu.Unlock()
		if *count++; *count >= n {
			return err
		}
		return nil
	}
	return count
}

// Kill drops the lock as the kernel does when a process dies.
func (t *Transaction) Kill() {
	t.closed = true
	_, _ = t.scratch.close(), t.disk.close()
	_ = t.lock.held.Close()
}

// ParsePackages is parsePackages for fuzzing: it returns the paragraphs.
func ParsePackages(text string) ([]string, error) {
	entries, err := parsePackages(text)
	var texts []string
	for i := range entries {
		texts = append(texts, entries[i].text.String())
		if err := checkPoolPath(entries[i].filename); err != nil {
			return nil, err
		}
	}
	return texts, err
}

// ReadAndCopy is readAndCopy without what it read.
func ReadAndCopy(ctx context.Context, src io.Reader, dst io.Writer) error {
	tx := &Transaction{tree: &tree{def: &Definition{}}}
	_, err := tx.readAndCopy(ctx, &deb.Reader{}, src, dst)
	return err
}

// SignedText is signedText.
func SignedText(file []byte) ([]byte, error) { return signedText(file) }

// Rewrite changes the text of an index in memory, unchecked, so that it can be signed.
func (t *Transaction) Rewrite(ctx context.Context, name, arch string, change func(string) string) error {
	s, err := t.tree.suite(name)
	if err != nil {
		return err
	}
	x, err := t.tree.index(ctx, s, indexKey{t.tree.def.Components[0], arch})
	if err != nil {
		return err
	}
	for i := range x.entries {
		x.entries[i].text = paragraph{text: change(x.entries[i].text.String())}
	}
	x.removed++
	return nil
}

// SplitForm is splitForm.
func SplitForm(name string) (plain, compression string) { return splitForm(name) }

// RawField is rawField.
func RawField(paragraph, name string) (value string, end int, found bool) {
	return rawField(paragraph, name)
}

// ChangeContents adds a file of a package to a list, or reports that it cannot be built upon.
func ChangeContents(old, file, name string) (string, bool) {
	files := fileList([]string{file})
	if !sortedContents(old) || files == "" || deb.CheckName(name) != nil {
		return "", false
	}
	c := contentsChange{locations: map[string]string{name: "admin/" + name}, fresh: []contentsLine{{file, name}}}
	var b strings.Builder
	err := c.apply(context.Background(), old, &b)
	return b.String(), err == nil
}

// ParseSources is parseSources for fuzzing: it returns the paths of all files.
func ParseSources(text string) ([]string, error) {
	sources, err := parseSources(text)
	var paths []string
	for _, s := range sources {
		for _, f := range s.files {
			paths = append(paths, f.path)
		}
	}
	return paths, err
}

// BeginFailAt is Begin of a process whose n-th change to the disk fails, with all that follow. It reports how many
// changes there were.
func BeginFailAt(ctx context.Context, o Options, n int, err error) (t *Transaction, count int, failed error) {
	d := &disk{root: o.Root}
	d.before = func(string, string) error {
		if count++; count >= n {
			return err
		}
		return nil
	}
	t, failed = begin(ctx, d, o)
	return t, count, failed
}

// Journal reports whether a journal is on the disk.
func Journal(root string) bool {
	_, err := os.Lstat(filepath.Join(root, journalFile))
	return err == nil
}

// ParseJournal is parseJournal for fuzzing: it returns the paths that the steps are about.
func ParseJournal(data []byte) ([]string, error) {
	j, err := parseJournal(data)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, s := range j.Steps {
		paths = append(paths, s.From, s.To)
	}
	return paths, nil
}

// ParseForeign reads a text as a Release and as an index of another archive, for fuzzing, and returns the paths in both.
func ParseForeign(text string) []string {
	var paths []string
	if r, err := parseForeignRelease([]byte(text)); err == nil {
		for _, f := range r.Files {
			paths = append(paths, f.Path)
		}
	}
	if list, err := parseAll("main", text, parseForeign); err == nil {
		for _, p := range list {
			paths = append(paths, p.Filename)
		}
	}
	return paths
}

// Relations reads a Depends and a Provides field and a list of what the distribution has, and looks one up in the other
// in every way there is.
func Relations(depends, provides, declared string) error {
	e := &entry{name: "kubeadm", version: "1.0", arch: "amd64", text: paragraph{text: "Package: kubeadm\nDepends: " + depends + "\nProvides: " + provides + "\n"}}
	have := offers{}
	have.add(e)
	var d distribution
	if s, err := ParseSelector(declared); err == nil {
		d = append(d, s)
	}
	have.unmet(e, "amd64", d)
	clauses, err := e.clauses()
	if err != nil {
		return nil
	}
	for _, c := range clauses {
		if have.has(c) != (have.find(c) != nil) {
			return fmt.Errorf("has and find differ about %s", c.Text)
		}
	}
	return nil
}

// UnpackIndex is unpackIndex.
func UnpackIndex(packed []byte, compression string) ([]byte, error) {
	return unpackIndex(packed, compression)
}

// Sniff is sniff.
func Sniff(packed []byte) string { return sniff(packed) }

// ParagraphsOf is paragraphsOf: it returns the paragraphs.
func ParagraphsOf(text, name string) ([]string, error) {
	entries, err := paragraphsOf(text, name)
	var texts []string
	for _, e := range entries {
		texts = append(texts, e.text.String())
	}
	return texts, err
}

// CheckListings compares the pages, the dates of directories and ls-lR.gz with what a look at the whole tree gives.
func CheckListings(ctx context.Context, root string, def *Definition) (wrong []string, err error) {
	l := &listings{disk: &disk{root: root}, pages: def.Listings, long: &page.LongList{}}
	t, err := loadTree(root, def, false)
	if err != nil {
		return nil, err
	}
	if err := l.fill(ctx, true); err != nil {
		return nil, err
	}
	for _, dirs := range l.queue {
		for dir := range dirs {
			d, err := l.disk.read(dir)
			if err != nil {
				return nil, err
			}
			l.long.Set(d)
			info, err := os.Stat(l.disk.path(dir))
			if err != nil {
				return nil, err
			}
			if at := info.ModTime(); at.Nanosecond() != 0 || at.After(t.newest()) {
				wrong = append(wrong, fmt.Sprintf("%s is dated %s, and the archive %s", dir, at.UTC(), t.newest()))
			}
			if !def.Listings || dir == "." {
				continue
			}
			want, err := d.HTML()
			if err != nil {
				return nil, err
			}
			if got, err := os.ReadFile(l.disk.path(path.Join(dir, page.IndexFile))); err != nil || !bytes.Equal(got, want) {
				wrong = append(wrong, fmt.Sprintf("%s: its page is not up to date: %v", dir, err))
			}
		}
	}
	if !def.Listings {
		return wrong, nil
	}
	long := l.readLongList()
	if long == nil {
		return append(wrong, longListFile+" cannot be read"), nil
	}
	if got, want := string(long.Text()), string(l.long.Text()); got != want {
		wrong = append(wrong, fmt.Sprintf("%s has\n%s\nand the tree is\n%s", longListFile, got, want))
	}
	return wrong, nil
}

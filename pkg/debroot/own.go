package debroot

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"kubedist/pkg/deb"
)

// What follows adds to a tree what no package has, and takes away what is of no use any more. All paths are without a
// slash at their beginning. The owner is what errors call whoever adds it, in the place of a package.

// Mkdir makes a directory, with its parents. One that is there stays.
func (t *Tree) Mkdir(owner, name string) error {
	if err := t.claim(owner, name, fs.ModeDir, 0); err != nil {
		return fmt.Errorf("directory %s: %w", name, err)
	}
	return nil
}

// Symlink makes a symbolic link where nothing is.
func (t *Tree) Symlink(owner, name, target string) error {
	if err := t.symlink(owner, name, target); err != nil {
		return fmt.Errorf("link %s: %w", name, err)
	}
	return nil
}

// Write makes a file of mode 0644 where nothing is.
func (t *Tree) Write(owner, name string, contents []byte) error {
	err := t.claim(owner, name, 0, int64(len(contents)))
	if err == nil {
		err = t.write(deb.Entry{Path: name}, bytes.NewReader(contents))
	}
	if err != nil {
		return fmt.Errorf("file %s: %w", name, err)
	}
	return nil
}

// Match lists the files, no links and no directories, whose paths match a pattern as path.Match has them, sorted.
func (t *Tree) Match(pattern string) ([]string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var found []string
	for _, name := range slices.Sorted(maps.Keys(t.owners)) {
		matches, err := path.Match(pattern, name)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", pattern, err)
		}
		if matches && t.owners[name].kind == 0 {
			found = append(found, name)
		}
	}
	return found, nil
}

// Read returns the contents of a file.
func (t *Tree) Read(name string) ([]byte, error) { return t.root.ReadFile(name) }

// Remove removes a file, and the directories that are empty then.
func (t *Tree) Remove(name string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.root.Remove(name); err != nil {
		return err
	}
	delete(t.owners, name)
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		entries, err := fs.ReadDir(t.root.FS(), dir)
		if err != nil || len(entries) > 0 {
			return err
		}
		if err := t.root.Remove(dir); err != nil {
			return err
		}
		delete(t.owners, dir)
	}
	return nil
}

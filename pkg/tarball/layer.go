package tarball

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// maxLinks is how many links a name may lead through: as many as Linux follows (path_resolution(7)).
const maxLinks = 40

// PutOn makes the archive one that is unpacked on top of another, as a layer of an image is. Names lead through the links
// that are there, to where programs will look for them: a directory in the place of a link would hide what the link leads
// to, and readers of layers do not agree on following it. Directories keep the modes and owners that they have there.
//
// It is for archives that have all their files. A name below something that is no directory, and a file in the place of
// one, are errors as those of [Archive.Check].
func (a *Archive) PutOn(below *Archive) error {
	tree := map[string]File{}
	for _, f := range below.complete(time.Time{}) {
		tree[f.Name] = f
	}
	put := map[string]bool{}
	files := slices.Clone(a.Files)
	for i := range files {
		f := &files[i]
		dir, err := resolve(tree, path.Dir(f.Name))
		if err != nil {
			return fmt.Errorf("%q: %w", f.Name, err)
		}
		name := path.Join(dir, path.Base(f.Name))
		if there, err := resolve(tree, name); err == nil && tree[there].Dir && !f.Dir {
			return fmt.Errorf("%q is a directory in what it is put on: %w", f.Name, ErrArchive)
		}
		f.Name, put[name] = name, true
	}
	for _, f := range files[:len(a.Files):len(a.Files)] {
		for dir := path.Dir(f.Name); dir != "."; dir = path.Dir(dir) {
			if d, there := tree[dir]; there && !put[dir] {
				put[dir] = true
				files = append(files, File{Name: dir, Dir: true, Mode: d.Mode, UID: d.UID, GID: d.GID})
			}
		}
	}
	a.Files = files
	return nil
}

// resolve returns where a name leads to in a tree, without links on the way. What is not there, and all below it, stays.
func resolve(tree map[string]File, name string) (string, error) {
	at, left := ".", strings.Split(name, "/")
	for links := 0; len(left) > 0; {
		component := left[0]
		left = left[1:]
		next := path.Join(at, component) // of "..", the directory above; of "" and ".", the same
		f, there := tree[next]
		switch {
		case next == "..":
			at = "." // the root is its own parent
		case there && f.Link != "":
			if links++; links > maxLinks {
				return "", fmt.Errorf("%q leads through more than %d links: %w", name, maxLinks, ErrArchive)
			}
			if path.IsAbs(f.Link) {
				at = "."
			}
			left = append(strings.Split(f.Link, "/"), left...)
		case there && !f.Dir:
			return "", fmt.Errorf("%q is no directory in what it is put on: %w", next, ErrArchive)
		default:
			at = next
		}
	}
	return at, nil
}

package source

import (
	"fmt"
	"path/filepath"
	"regexp"

	"kubedist/pkg/hint"
)

// maxReading bounds a file that a value is read from, in bytes. The largest of them has 40 KB.
const maxReading = 4 << 20

// Read returns a value that stands in a file of the tree, which is named with slashes: the text of the one group of the
// regular expression match. The expression has to match exactly once, for a tree in which it does not is another one than
// it was written for.
func Read(t *Tree, file, match string) (string, error) {
	pattern, err := regexp.Compile(match)
	if err != nil {
		return "", fmt.Errorf("reading %s of %s: %w", file, t.Name, err)
	}
	if n := pattern.NumSubexp(); n != 1 {
		return "", fmt.Errorf("reading %s of %s: %q has %d groups, not one", file, t.Name, match, n)
	}
	if !filepath.IsLocal(filepath.FromSlash(file)) {
		return "", fmt.Errorf("reading %s of %s: not inside the tree", file, t.Name)
	}
	data, err := readBounded(filepath.Join(t.Dir, filepath.FromSlash(file)), maxReading)
	if err != nil {
		return "", fmt.Errorf("reading %s of %s: %w", file, t.Name, err)
	}
	found := pattern.FindAllSubmatch(data, 2)
	if len(found) != 1 {
		times := "nothing"
		if len(found) > 1 {
			times = "more than once"
		}
		return "", hint.Errorf("correct the expression in the specification, for which --specs names a directory",
			"%s of %s %s: %q matches %s", file, t.Name, t.Stamp.Version, match, times)
	}
	return string(found[0][1]), nil
}

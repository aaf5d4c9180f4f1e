package source

import (
	"path/filepath"

	"kubedist/pkg/hint"
)

// checkOutputs refuses a source directory in which something is written: it would be dirty, or another tree, the next
// time. Symbolic links are followed, because what counts is where the files land.
func checkOutputs(dir string, outputs []string) error {
	source := resolved(dir)
	for _, output := range outputs {
		below, err := filepath.Rel(source, resolved(output))
		if err != nil || !filepath.IsLocal(below) {
			continue
		}
		return hint.Errorf("move it with --out or --root, or make the release from elsewhere",
			"%s: %w %s: what is written there would change the source", output, ErrOutputInside, dir)
	}
	return nil
}

// resolved returns a path without symbolic links, of which the last elements need not exist yet.
func resolved(name string) string {
	name = filepath.Clean(name)
	if target, err := filepath.EvalSymlinks(name); err == nil {
		return target
	}
	parent := filepath.Dir(name)
	if parent == name {
		return name
	}
	return filepath.Join(resolved(parent), filepath.Base(name))
}

package release

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/progress"
)

// clean removes what a killed run left half-written in the release's directory, which is locked.
func (r *run) clean() error {
	if err := errors.Join(os.RemoveAll(r.temp()), atomicfile.MkdirAll(r.temp())); err != nil {
		return err
	}
	return filepath.WalkDir(r.Dir(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		_, err = atomicfile.Clean(path)
		return err
	})
}

// temp is where the release's temporary files lie: where the next run finds them if this one is killed.
func (r *run) temp() string { return filepath.Join(r.ledger.Dir(), "tmp") }

// removeStale removes what earlier runs with another selection or revision made and this release does not have, so that
// whoever takes debs/* takes this release and nothing else. Files that kubedist did not make are left alone.
func (r *run) removeStale(m Manifest) error {
	keep := map[string]bool{}
	for _, a := range m.Artifacts {
		keep[a.Path] = true
	}
	known, err := r.ledger.Files()
	if err != nil {
		return err
	}
	removed := 0
	for _, path := range known {
		top, _, _ := strings.Cut(path, "/")
		if keep[path] || !slices.Contains([]string{"bin", "debs", "tarballs", "sbom", imagesDir, imageTarsDir}, top) {
			continue
		}
		switch err := os.Remove(filepath.Join(r.Dir(), filepath.FromSlash(path))); {
		case err == nil:
			removed++
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	if removed > 0 {
		progress.Note(r.Reporter, "%s: removed %d files of an earlier selection or revision, which are no part of this release", r.Dir(), removed)
	}
	return nil
}

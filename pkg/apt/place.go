package apt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"time"

	"kubedist/pkg/hint"
)

// place is a directory with Release files, and what those say. A suite has its own, and one for each further name or
// form under which clients find it.
type place struct {
	dir      string   // relative to the root
	release  *Release // nil when nothing was ever published there
	text     []byte   // of the release
	signed   []byte   // InRelease
	newest   time.Time
	leftover bool // a run was killed before it could publish there for the first time
}

// load reads the Release files of a place. killed says that a run was killed, which explains a missing InRelease.
func (t *tree) load(at *place, killed bool) error {
	plain, err := t.readSmall(path.Join(at.dir, "Release"))
	if err != nil {
		return err
	}
	// A run that was killed between the two files leaves a Release that is ahead.
	if ahead, err := ParseRelease(plain); err == nil {
		at.newest = ahead.Date
	}
	if at.signed, err = t.readSmall(path.Join(at.dir, "InRelease")); err != nil {
		return err
	}
	if at.signed == nil {
		if plain != nil && !killed {
			return hint.Errorf("restore the file from a mirror or a backup", "InRelease: missing beside Release")
		}
		at.leftover = plain != nil
		return nil
	}
	if at.text, err = signedText(at.signed); err != nil {
		return fmt.Errorf("InRelease: %w", err)
	}
	if at.release, err = ParseRelease(at.text); err != nil {
		return fmt.Errorf("InRelease: %w", err)
	}
	if at.release.Date.After(at.newest) {
		at.newest = at.release.Date
	}
	return nil
}

// damage looks for a file of the place that is not as InRelease says, after a run that was killed. "" means none.
func (t *tree) damage(ctx context.Context, at *place) (string, error) {
	release, err := t.readSmall(path.Join(at.dir, "Release"))
	if err != nil {
		return "", err
	}
	if !bytes.Equal(release, at.text) {
		return "Release", nil
	}
	if signature, err := t.readSmall(path.Join(at.dir, "Release.gpg")); err != nil || signature == nil {
		return "Release.gpg", err
	}
	for _, f := range at.release.Files {
		for _, name := range []string{f.Path, byHash(f.Path, f.SHA256)} {
			digest, size, err := hashFile(ctx, filepath.Join(t.root, filepath.FromSlash(path.Join(at.dir, name))))
			if errors.Is(err, fs.ErrNotExist) || err == nil && (size != f.Size || digest != f.SHA256) {
				return name, nil
			}
			if err != nil {
				return "", err
			}
		}
	}
	return "", nil
}

// listed gives what the published Release says about a file in all its forms, or nil when it does not list each of them.
func (at *place) listed(name string, compressions []string) []ReleaseFile {
	if at.release == nil {
		return nil
	}
	files := make([]ReleaseFile, 0, 1+len(compressions))
	for _, form := range forms(name, compressions) {
		f, found := at.release.File(form)
		if !found {
			return nil
		}
		files = append(files, f)
	}
	return files
}

package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"kubedist/pkg/apt"
	"kubedist/pkg/hint"
)

// The bounds of what is read from a bucket, in bytes.
const (
	maxInRelease = 16 << 20
	maxPackages  = 512 << 20
)

// ErrDiverged is the error about a bucket that has packages which the tree that is to be pushed does not know.
var ErrDiverged = errors.New("the bucket has packages that this tree does not know")

// checkSuites makes sure that each suite that is about to be replaced is an earlier state of the one that replaces it. It
// sets the version of each InRelease to that of the object it has looked at.
func (p *planner) checkSuites(ctx context.Context, r *plan, readLocal func(name string) ([]byte, error), diverged bool) error {
	local := make(map[string]bool, len(p.files))
	for i := range p.files {
		local[p.files[i].Path] = true
	}
	for i := range r.uploads {
		u := &r.uploads[i]
		if u.stage != apt.StageInRelease || u.version == "" {
			continue
		}
		data, o, err := p.store.get(ctx, u.Path, maxInRelease)
		if errors.Is(err, errNotFound) {
			u.version = ""
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", u.Path, err)
		}
		u.version = o.version
		theirs, err := apt.ReadInRelease(data)
		if err != nil {
			continue // nothing that a client could have taken
		}
		if data, err = readLocal(u.Path); err != nil {
			return err
		}
		ours, err := apt.ReadInRelease(data)
		if err != nil {
			return fmt.Errorf("%s: %w", u.Path, err)
		}
		if err := follows(u.Path, theirs, ours); err != nil {
			return err
		}
		if !diverged {
			if err := p.keepsPackages(ctx, path.Dir(u.Path), theirs, local); err != nil {
				return err
			}
		}
	}
	return nil
}

// follows refuses what clients would not take in the place of what they have.
func follows(name string, theirs, ours *apt.Release) error {
	for _, field := range []struct{ name, theirs, ours string }{
		{"Origin", theirs.Origin, ours.Origin}, {"Label", theirs.Label, ours.Label}, {"Codename", theirs.Codename, ours.Codename},
	} {
		if field.theirs != field.ours {
			return hint.Errorf("check the bucket's name; to change it for all clients, remove that file from the bucket first",
				"%s: %s is %q in the bucket and %q here: apt would stop at the change", name, field.name, field.theirs, field.ours)
		}
	}
	if theirs.Date.After(ours.Date) {
		return hint.Errorf("push from the tree that has it, or publish here once more with: kubedist repo publish",
			"%s: the bucket has one of %s, newer than %s here: apt would ignore the older one", name, theirs.Date.Format(timeFormat), ours.Date.Format(timeFormat))
	}
	return nil
}

const timeFormat = "2006-01-02 15:04:05 MST"

// keepsPackages makes sure that this tree knows all that the bucket's suite lists: it has the same index, as it is or as
// an older one under by-hash, or all the files that it names.
func (p *planner) keepsPackages(ctx context.Context, dir string, theirs *apt.Release, local map[string]bool) error {
	for _, f := range theirs.Files {
		hashed := path.Join(dir, path.Dir(f.Path), "by-hash", "SHA256", f.SHA256)
		if path.Base(f.Path) != "Packages" || f.Size == 0 || local[hashed] {
			continue
		}
		text, _, err := p.store.get(ctx, hashed, maxPackages)
		if errors.Is(err, errNotFound) {
			text, _, err = p.store.get(ctx, path.Join(dir, f.Path), maxPackages)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path.Join(dir, f.Path), err)
		}
		for line := range bytes.Lines(text) {
			name, found := strings.CutPrefix(string(line), "Filename:")
			if !found {
				continue
			}
			if name = strings.TrimSpace(name); !local[name] && !local[path.Join(dir, name)] {
				return hint.With(fmt.Errorf("%s: %w, such as %s", dir, ErrDiverged, name),
					"push from the tree that has them, or add them here; --force diverged takes them away from clients")
			}
		}
	}
	return nil
}

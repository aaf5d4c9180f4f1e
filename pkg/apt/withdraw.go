package apt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/deb"
	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/page"
)

// WithdrawOptions say what may be taken away of what the definition no longer names.
type WithdrawOptions struct {
	// Keyring are the archive's keys. What none of them has signed is someone else's, and stays.
	Keyring []*openpgp.Certificate
	Now     time.Time // by which Valid-Until is judged
	// AtOnce names directories, relative to the root, that go although clients may still use them. One that the definition
	// names, or that is not published, is an error.
	AtOnce []string
	DryRun bool // remove nothing, tell what would go
}

// Withdrawn is a directory where clients find packages and that the definition no longer names: that of a suite or an
// alias, or a flat one.
type Withdrawn struct {
	Dir        string    // relative to the root
	ValidUntil time.Time // until when clients accept it; zero where its Release does not say
	Files      []Garbage // that went, sorted
	Stays      string    // why it stays, and what to do about that; "" when it went
}

// Withdraw takes away the directories that the definition no longer names, once no client can use them: those whose
// Valid-Until is past, and those that are named. Only what publishing writes goes; other files stay, and so does a
// directory that was not signed by one of the archive's keys. Packages in the pool stay until
// [Transaction.CollectGarbage].
//
// InRelease goes first, then Release, then what they name, so that a client finds all of it or nothing. The steps are
// written down first, as those of a publishing are: what a killed run had begun the next [Begin] finishes.
func (t *Transaction) Withdraw(ctx context.Context, o WithdrawOptions) ([]Withdrawn, error) {
	all, err := t.withdraw(ctx, o)
	if err != nil {
		return nil, atomicfile.Explain(t.disk.root, fmt.Errorf("withdrawing: %w", err))
	}
	return all, nil
}

func (t *Transaction) withdraw(ctx context.Context, o WithdrawOptions) ([]Withdrawn, error) {
	if err := t.open(); err != nil {
		return nil, err
	}
	unnamed, err := t.tree.unnamed(ctx)
	if err != nil {
		return nil, err
	}
	for _, dir := range o.AtOnce {
		if !slices.ContainsFunc(unnamed, func(at *place) bool { return at.dir == dir }) {
			return nil, hint.Errorf("name one that repo publish warns about, such as dists/NAME; one that the definition has must be taken out of that first",
				"%s: not published, or in the archive's definition", dir)
		}
	}
	var all []Withdrawn
	var gone []*place
	for _, at := range unnamed {
		w := Withdrawn{Dir: at.dir, Stays: t.tree.stays(at, o)}
		if at.release != nil {
			w.ValidUntil = at.release.ValidUntil
		}
		if w.Stays != "" && slices.Contains(o.AtOnce, at.dir) {
			return nil, hint.Errorf("name the key that signed it with --keyring, or remove it by hand", "%s: %s", at.dir, w.Stays)
		}
		if w.Stays == "" {
			if w.Files, err = t.filesOf(ctx, at.dir); err != nil {
				return nil, fmt.Errorf("%s: %w", at.dir, err)
			}
			gone = append(gone, at)
		}
		all = append(all, w)
	}
	t.tree.suites = slices.DeleteFunc(t.tree.suites, func(s *suite) bool { return slices.Contains(gone, &s.place) })
	if o.DryRun || len(gone) == 0 {
		return all, nil
	}
	return all, t.takeAway(ctx, all, o.Now)
}

// takeAway removes the files of the directories that go.
func (t *Transaction) takeAway(ctx context.Context, all []Withdrawn, now time.Time) error {
	var steps [3][]string // which InRelease, Release and Release.gpg, and all that these name
	for _, w := range all {
		for _, f := range w.Files {
			step := 2
			switch stage := StageOf(f.Path); {
			case path.Dir(f.Path) != w.Dir:
			case stage == StageInRelease:
				step = 0
			case stage == StageRelease:
				step = 1
			}
			steps[step] = append(steps[step], f.Path)
		}
	}
	var stages []stage
	for i, name := range []string{"InRelease", "Release", "indices"} {
		stages = append(stages, stage{name, func(context.Context) error {
			for _, file := range steps[i] {
				if err := t.disk.remove(file); err != nil {
					return err
				}
			}
			return nil
		}})
	}
	left := t.leaving
	t.leaving = leftHalfway // until the pages, too, are as they should be
	if err := t.together(ctx, now, stages); err != nil {
		return err
	}
	for _, w := range all {
		for _, f := range w.Files {
			t.disk.removeEmpty(path.Dir(f.Path), distsDir)
		}
	}
	if err := t.followListings(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("pages: %w", err)
	}
	t.leaving = left
	return nil
}

// unnamed finds the places that are published and that the definition does not name: first suites and aliases, then flat
// directories, by name.
func (t *tree) unnamed(ctx context.Context) ([]*place, error) {
	var all []*place
	named := map[string]bool{}
	for _, s := range t.suites {
		if s.def == nil && s.release != nil {
			all = append(all, &s.place)
		}
		if s.flat != nil {
			named[s.flat.dir] = true
		}
	}
	err := filepath.WalkDir(t.root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || name == t.root {
			return ctx.Err() // what cannot be looked into is served to no one either
		}
		dir, err := filepath.Rel(t.root, name)
		if err != nil {
			return err
		}
		dir = filepath.ToSlash(dir)
		if named[dir] || checkFlat(dir) != nil {
			return fs.SkipDir
		}
		if _, err := os.Lstat(filepath.Join(name, "InRelease")); err != nil {
			return nil // flat directories may lie further down
		}
		at := &place{dir: dir}
		if err := t.load(at, true); err != nil {
			at.release = nil // nothing that kubedist has written
		}
		all = append(all, at)
		return fs.SkipDir
	})
	return all, err
}

// stays says why a place that the definition does not name stays, and what to do about that; "" when it is to go.
func (t *tree) stays(at *place, o WithdrawOptions) string {
	if at.release == nil || at.signedBy(o.Keyring, o.Now) != nil {
		return "none of the archive's keys that are good has signed it, so it is left alone"
	}
	switch end := at.release.ValidUntil; {
	case slices.Contains(o.AtOnce, at.dir):
		return ""
	case at.release.Origin != t.def.Origin || at.release.Label != t.def.Label:
		return fmt.Sprintf("it stays, for its Origin (%s) or Label (%s) is not that of the definition; to take it away: kubedist repo gc --withdraw %s",
			at.release.Origin, at.release.Label, at.dir)
	case end.IsZero():
		return "it stays as it is, and clients can use it for good; to take it away: kubedist repo gc --withdraw " + at.dir
	case o.Now.Before(end):
		return fmt.Sprintf("it stays as it is, and clients can use it until %s; then kubedist repo gc takes it away, or at once: kubedist repo gc --withdraw %s",
			end.Format(time.DateOnly), at.dir)
	}
	return ""
}

// warnUnnamed tells of the places that the definition does not name (any more), which are published as little as they are
// removed: clients may use them.
func (p *publication) warnUnnamed(ctx context.Context) error {
	unnamed, err := p.tree.unnamed(ctx)
	if err != nil {
		return err
	}
	for _, at := range unnamed {
		what := p.tree.stays(at, WithdrawOptions{Keyring: p.certs, Now: p.now()})
		if what == "" {
			what = fmt.Sprintf("it expired on %s; take it away with: kubedist repo gc", at.release.ValidUntil.Format(time.DateOnly))
		}
		p.warn("%s: published, but not in the definition: %s", at.dir, what)
	}
	return nil
}

// filesOf lists the files of a place that publishing writes, sorted. Further places below it are left out.
func (t *Transaction) filesOf(ctx context.Context, dir string) ([]Garbage, error) {
	var files []Garbage
	root := t.disk.path(dir)
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if _, err := os.Lstat(filepath.Join(name, "InRelease")); err == nil && rel != "." {
				return fs.SkipDir
			}
			return nil
		}
		rel = filepath.ToSlash(rel)
		if !d.Type().IsRegular() || !writtenInPlace(rel) {
			return nil
		}
		if d.Name() == page.IndexFile {
			if ours, err := t.disk.generated(path.Join(dir, rel)); err != nil || !ours {
				return err
			}
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files = append(files, Garbage{Path: path.Join(dir, rel), Size: info.Size()})
		return nil
	})
	slices.SortFunc(files, func(a, b Garbage) int { return strings.Compare(a.Path, b.Path) })
	return files, err
}

// writtenInPlace reports whether a file of a place, named relative to it, is one of those that publishing writes.
func writtenInPlace(name string) bool {
	dir, base := path.Dir(name), path.Base(name)
	switch {
	case isListable(name), base == page.IndexFile:
		return true
	case dir == ".":
		return slices.Contains([]string{"InRelease", "Release", "Release.gpg", sourcesFile}, base)
	case strings.HasSuffix("/"+dir, "/by-hash/SHA256"):
		return checkDigest(base) == nil
	}
	return path.Ext(base) == ".deb" && deb.CheckArchitecture(dir) == nil // of a flat directory
}

// signedBy makes sure that one of the keys has signed what the place's InRelease says, by now or, if it has expired since,
// when that was made.
func (at *place) signedBy(keys []*openpgp.Certificate, now time.Time) error {
	when := at.release.Date
	if now.After(when) {
		when = now
	}
	text, _, err := openpgp.VerifyClearsigned(at.signed, keys, when)
	if errors.Is(err, openpgp.ErrExpired) {
		text, _, err = openpgp.VerifyClearsigned(at.signed, keys, at.release.Date)
	}
	if err == nil && string(text) != string(at.text) {
		err = errors.New("holds more than its signed text")
	}
	return err
}

package release

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"kubedist/pkg/checksum"
	"kubedist/pkg/hint"
	"kubedist/pkg/imprint"
	"kubedist/pkg/platform"
	"kubedist/pkg/published"
	"kubedist/pkg/spec"
)

// ErrNotRebuildable is the error when a program says too little of its making for it to be made again.
var ErrNotRebuildable = errors.New("cannot be made again")

// RebuildProgram makes the program at path again from what it says of itself, and compares the two. o.BuildDate, where it
// is set, is taken for the program's own. The program is not run.
func RebuildProgram(ctx context.Context, o Options, path string) (*Comparison, error) {
	i, err := imprint.Read(ctx, path)
	if err != nil {
		return nil, &SelectionError{hint.With(fmt.Errorf("program to make again: %w", err), "name a program as it was published, not a package or tarball that holds it")}
	}
	b, err := o.describe(i)
	if err != nil {
		return nil, &SelectionError{fmt.Errorf("%s: %w: %w", path, ErrNotRebuildable, err)}
	}
	digest, err := checksum.File(ctx, path)
	if err != nil {
		return nil, err
	}
	made := filepath.Join(o.Dir(), "bin", filepath.FromSlash(i.Platform.Dir()), i.Platform.Executable(b.Name))
	if sameFile(made, path) {
		return nil, &SelectionError{hint.Errorf("name another directory with --out", "%s: what is made again would take its place", path)}
	}
	entry := published.Entry{Program: b.Name, Platform: i.Platform, Version: i.Version, SHA256: digest.SHA256, Place: path, File: path}
	c, err := o.remake(ctx, Selection{Programs: []string{b.Name}, Platforms: []platform.ID{i.Platform}}, &published.Checksums{Entries: []published.Entry{entry}})
	if err != nil {
		return nil, err
	}
	for _, p := range c.Programs {
		p.Notes = append(imprintNotes(i, b, o), p.Notes...)
		if p.Status == Different {
			p.Notes = append(p.Notes, "build date: taken to be "+o.BuildDate.UTC().Format(time.RFC3339)+" (--build-date sets another one)")
		}
	}
	return c, nil
}

// sameFile tells whether two names are of one file that is there.
func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// describe finds the program that an imprint is of and turns o into options that make it again.
func (o *Options) describe(i *imprint.Imprint) (spec.Binary, error) {
	at := slices.IndexFunc(o.Spec.Binaries, func(b spec.Binary) bool { return b.Main == i.Main && b.Source == PrimarySource(o.Spec) })
	if at < 0 {
		return spec.Binary{}, fmt.Errorf("its main package is %q, which is none of specs/binaries.yaml that is released with Kubernetes", i.Main)
	}
	b := o.Spec.Binaries[at]
	if b.Absent != "" {
		return b, errors.New(b.Absent)
	}
	p, ok := o.Spec.Platform(i.Platform)
	if !ok {
		return b, fmt.Errorf("its platform is %s, which is not declared in specs/platforms.yaml", i.Platform)
	}
	switch {
	case i.Commit == "" || i.Time.IsZero():
		return b, hint.Errorf("a program says where it comes from only when it was built in a git checkout, or by kubedist with the commit known",
			"it carries no version control stamp")
	case i.Modified:
		return b, errors.New("it was made from a checkout with changes that nobody else has (vcs.modified)")
	case !i.Trimmed:
		return b, errors.New("it was made without -trimpath, so it holds paths of the machine that made it")
	case checkVersion(i.Version) != nil:
		return b, hint.Errorf("programs tell their version since Go 1.24; make an older one with kubedist build --commit --build-date, and compare it with verify --against",
			"its version is %q, which is no release", i.Version)
	}
	if err := o.linkLike(b, i, p); err != nil {
		return b, err
	}
	o.Version, o.Commit = i.Version, i.Commit
	if o.BuildDate.IsZero() {
		date, err := i.BuildDate()
		if err != nil {
			return b, hint.With(err, "give it with --build-date: the program prints it when it is asked for its version")
		}
		o.BuildDate = date
	}
	return b, nil
}

// linkLike selects the profile that links b the way the program was linked.
func (o *Options) linkLike(b spec.Binary, i *imprint.Imprint, p spec.Platform) error {
	for _, profile := range append([]spec.Profile{{}}, o.Spec.Profiles...) {
		if (profile.LinkOf(b, i.Version, p.ID) == spec.CLinked) == i.Cgo {
			o.Selection.Profile = profile.Name
			return nil
		}
	}
	return fmt.Errorf("it was built with CGO_ENABLED=%t, as no profile of specs/profiles.yaml links %s %s", i.Cgo, b.Name, i.Version)
}

// imprintNotes says in what a program claims to be another than the published one, by its own words.
func imprintNotes(i *imprint.Imprint, b spec.Binary, o Options) []string {
	known, ok := o.Spec.Release(i.Version)
	if !ok {
		return []string{fmt.Sprintf("stamp: that it is of commit %s, and when it was built, is the program's own word: specs/releases does not know %s", i.Commit, i.Version)}
	}
	var notes []string
	if i.Commit != known.Commit {
		notes = append(notes, fmt.Sprintf("stamp: the program says that it is of commit %s; the published %s is of %s", i.Commit, known.Version, known.Commit))
	}
	if date, ok := known.BuildDate(b); ok && !date.Equal(o.BuildDate) {
		notes = append(notes, fmt.Sprintf("stamp: the program gives %s as its build date; the published %s was built at %s",
			o.BuildDate.UTC().Format(time.RFC3339), b.Name, date.UTC().Format(time.RFC3339)))
	}
	return notes
}

package release

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"kubedist/pkg/apt"
	"kubedist/pkg/hint"
	"kubedist/pkg/progress"
)

// suites returns the suites of the archive that take the release.
func (r *run) suites() ([]string, error) {
	suites, err := r.Archive.Definition.SuitesFor(r.plan.Version)
	if err != nil {
		return nil, &SelectionError{hint.With(err, "add a suite that accepts it to the archive's definition, or publish nothing with --no-archive")}
	}
	return suites, nil
}

// publish puts the packages into the archive and returns the suites that they are in. Packages that the archive lists
// already are not read again.
func (r *run) publish(ctx context.Context) (suites []string, err error) {
	if r.Archive == nil {
		return nil, nil
	}
	if suites, err = r.suites(); err != nil {
		return nil, err
	}
	task := progress.Start(r.Reporter, "archive", "publish", strings.Join(suites, " "))
	suites, result, err := r.publishInto(ctx, suites, task)
	if err != nil {
		fail(ctx, task, err)
		return nil, fmt.Errorf("publishing %s: %w", r.plan.Version, err)
	}
	for _, s := range result.Suites {
		if s.Published {
			r.worked.Store(true)
		}
	}
	for _, warning := range result.Warnings {
		progress.Warn(r.Reporter, "archive: %s", warning)
	}
	task.Done()
	return suites, nil
}

// publishInto returns the suites that take the release: those which would let it go at once are left out.
func (r *run) publishInto(ctx context.Context, accepting []string, task *progress.Task) (suites []string, result *apt.Result, err error) {
	tx, err := apt.Begin(ctx, apt.Options{Root: r.Archive.Root, Definition: r.Archive.Definition, Waiting: func(holder string) {
		task.Warn("waiting for %s, which is changing the archive", holder)
	}})
	if err != nil {
		return nil, nil, err
	}
	defer tx.Close()
	if suites, err = r.lasting(ctx, tx.Outlived, accepting); err != nil {
		return nil, nil, err
	}
	ours, companions, err := r.unpublished(ctx, tx, suites)
	if err != nil {
		return nil, nil, err
	}
	if len(ours) > 0 {
		if _, err := tx.Add(ctx, ours, apt.AddOptions{Suites: suites, Override: r.Archive.Override, Jobs: r.Budget.Cores}); err != nil {
			return nil, nil, err
		}
	}
	if len(companions) > 0 {
		// The version of a companion does not follow the release's, so an earlier release may have brought it, signed with
		// another key or compressed in another way. Clients that have it keep it, and so does the archive.
		added, err := tx.Add(ctx, companions, apt.AddOptions{Suites: suites, Jobs: r.Budget.Cores, KeepExisting: true})
		if err != nil {
			return nil, nil, err
		}
		for _, a := range added {
			if a.Outcome == apt.OutcomeKept {
				progress.Note(r.Reporter, "archive: %s %s %s is there already with other bytes, and stays", a.Package, a.Version, a.Architecture)
			}
		}
	}
	result, err = tx.Publish(ctx, r.publishOptions())
	return suites, result, err
}

// publishOptions say how the archive is signed and dated.
func (r *run) publishOptions() apt.PublishOptions {
	return apt.PublishOptions{
		Signers: r.signers(), Next: r.Archive.Next, Keyring: r.Archive.Keyring, KeyringDate: r.Archive.KeyringDate,
		Now: r.Now, Clock: r.Clock, NotAfter: r.Archive.NotAfter, Override: r.Archive.Override,
	}
}

// outlived is [apt.Transaction.Outlived], of a transaction or a rehearsal of one.
type outlived func(ctx context.Context, suite, name, version, architecture string) (bool, error)

// lasting leaves out the suites that have newer minor versions alone.
func (r *run) lasting(ctx context.Context, isOutlived outlived, suites []string) ([]string, error) {
	var lasting []string
	for _, suite := range suites {
		own, gone := 0, 0
		for _, p := range r.plan.Platforms {
			for _, pkg := range p.Packages {
				if pkg.Companion {
					continue
				}
				leaves, err := isOutlived(ctx, suite, pkg.Name, pkg.Version, pkg.Architecture)
				if err != nil {
					return nil, err
				}
				if own++; leaves {
					gone++
				}
			}
		}
		if own == 0 || gone < own {
			lasting = append(lasting, suite)
		}
	}
	if len(lasting) == 0 {
		return nil, hint.Errorf("add a suite for that minor version to the archive's definition, or publish nothing with --no-archive",
			"suites %s: have newer minor versions alone", strings.Join(suites, ", "))
	}
	return lasting, nil
}

// unpublished returns the files of packages that at least one of suites does not list: those of the release's own
// version, and companions. A package that is listed with other contents counts as not listed, unless it is a companion.
func (r *run) unpublished(ctx context.Context, tx *apt.Transaction, suites []string) (ours, companions []string, err error) {
	digests := map[string]string{}
	for _, a := range r.artifacts.sorted() {
		digests[a.Path] = a.SHA256
	}
	for _, p := range r.plan.Platforms {
		for _, pkg := range p.Packages {
			missing := false
			for _, suite := range suites {
				have, err := tx.Lookup(ctx, suite, pkg.Name, pkg.Version, pkg.Architecture)
				if err != nil {
					return nil, nil, err
				}
				missing = missing || have == "" || have != digests["debs/"+pkg.File()] && !pkg.Companion
			}
			path := filepath.Join(r.Dir(), "debs", pkg.File())
			switch {
			case missing && pkg.Companion:
				companions = append(companions, path)
			case missing:
				ours = append(ours, path)
			}
		}
	}
	slices.Sort(ours)
	slices.Sort(companions)
	return ours, companions, nil
}

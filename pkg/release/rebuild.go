package release

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/hint"
	"kubedist/pkg/platform"
	"kubedist/pkg/published"
	"kubedist/pkg/source"
	"kubedist/pkg/spec"
)

// Rebuild makes the programs of o.Version again whose published digests and stamps specs/releases knows, those of
// o.Selection where it names some, and compares them.
func Rebuild(ctx context.Context, o Options) (*Comparison, error) {
	known, ok := o.Spec.Release(o.Version)
	checksums, some := KnownChecksums(o.Spec, o.Version)
	if !ok || !some {
		return nil, &SelectionError{hint.Errorf("specs/README.md says how to add a release, or name a published program to make again",
			"%s: no release whose stamp and checksums specs/releases knows", o.Version)}
	}
	c := &Comparison{Version: o.Version, Programs: []*Compared{}}
	o.Selection.Profile = officialProfile
	for _, group := range o.rebuildable(known, c) {
		made, err := o.remake(ctx, group, checksums)
		if err != nil {
			return nil, err
		}
		c.Programs = append(c.Programs, made.Programs...)
		c.Changed, c.Notes = append(c.Changed, made.Changed...), append(c.Notes, made.Notes...)
	}
	if len(c.Programs) == 0 {
		return nil, &SelectionError{fmt.Errorf("%s: %w: specs/releases knows nothing of what was selected", o.Version, ErrNothingCompared)}
	}
	slices.SortFunc(c.Programs, compareRows)
	slices.Sort(c.Changed) // the same for every group
	c.Changed = slices.Compact(c.Changed)
	return c, nil
}

// rebuildable returns the selections, disjoint and by platform, that make the published programs of a release which o
// selects. It notes those of which the stamp is not known, or that kubedist does not make, as untried.
func (o *Options) rebuildable(known spec.Release, c *Comparison) []Selection {
	programs := map[platform.ID][]string{}
	for _, p := range known.Published {
		if len(o.Selection.Programs) > 0 && !slices.Contains(o.Selection.Programs, p.Binary) ||
			len(o.Selection.Platforms) > 0 && !slices.Contains(o.Selection.Platforms, p.Platform) {
			continue
		}
		b, _ := o.Spec.Binary(p.Binary)
		why := b.Absent
		if _, ok := known.BuildDate(b); !ok {
			why = "specs/releases knows no build date of it"
		}
		if why != "" {
			if untried := p.Binary + ": " + why; !slices.Contains(c.Untried, untried) {
				c.Untried = append(c.Untried, untried)
			}
			continue
		}
		programs[p.Platform] = append(programs[p.Platform], p.Binary)
	}
	slices.Sort(c.Untried)
	groups := map[string]*Selection{}
	for id, names := range programs {
		slices.Sort(names)
		key := strings.Join(names, " ")
		if groups[key] == nil {
			groups[key] = &Selection{Programs: names}
		}
		groups[key].Platforms = append(groups[key].Platforms, id)
	}
	var list []Selection
	for _, s := range groups {
		slices.SortFunc(s.Platforms, platform.Compare)
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b Selection) int { return platform.Compare(a.Platforms[0], b.Platforms[0]) })
	return list
}

// officialProfile links as published programs are.
const officialProfile = "official"

// remake builds what a selection names and compares it.
func (o *Options) remake(ctx context.Context, s Selection, checksums *published.Checksums) (*Comparison, error) {
	again := *o
	again.Archive = nil
	again.Selection.Programs, again.Selection.Platforms, again.Selection.Until = s.Programs, s.Platforms, Build
	// What an earlier run made, and dates of publishing, are no part of the answer.
	again.Anew, again.Epoch = true, time.Time{}
	result, err := Run(ctx, again)
	if err != nil {
		return nil, err
	}
	m := &Manifest{Version: result.Version, Stamp: result.Stamp, Artifacts: result.Artifacts}
	c, err := against(ctx, result.Dir, m, AgainstOptions{
		Published: checksums, Spec: o.Spec, Programs: s.Programs, Platforms: s.Platforms, Jobs: o.Budget.Cores,
	})
	if err != nil || c.Count(Different) == 0 {
		return c, err
	}
	c.Changed, err = again.changedFiles(ctx)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		c.Notes = append(c.Notes, err.Error())
	}
	return c, nil
}

// changedFiles compares the source with what the module proxy serves of its version, put together anew.
func (o *Options) changedFiles(ctx context.Context) ([]string, error) {
	tree, err := OpenPrimary(ctx, *o)
	if err != nil {
		return nil, err
	}
	if err := atomicfile.MkdirAll(o.CacheDir); err != nil {
		return nil, err
	}
	cache, err := os.MkdirTemp(o.CacheDir, "reference-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(cache)
	served := *o
	served.Sources, served.CacheDir, served.Commit, served.BuildDate = nil, cache, "", time.Time{}
	reference, err := OpenPrimary(ctx, served)
	if err != nil {
		return nil, fmt.Errorf("source to compare with: %w", err)
	}
	return source.Changes(ctx, tree, reference)
}

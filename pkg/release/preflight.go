package release

import (
	"context"
	"fmt"
	"slices"

	"kubedist/pkg/apt"
	"kubedist/pkg/deb"
)

// preflight finds what would keep the release from being published, before anything is compiled for it.
func (r *run) preflight(ctx context.Context) error {
	if r.Archive == nil || r.Selection.Until != Publish {
		return nil
	}
	suites, err := r.suites()
	if err != nil {
		return err
	}
	var architectures []string
	for _, p := range r.plan.Platforms {
		for _, pkg := range p.Packages {
			if !slices.Contains(architectures, pkg.Architecture) {
				architectures = append(architectures, pkg.Architecture)
			}
		}
	}
	archive := apt.Options{Root: r.Archive.Root, Definition: r.Archive.Definition}
	if err := apt.Preflight(ctx, archive, suites, architectures); err != nil {
		return err
	}
	rehearsal, err := apt.Rehearse(archive)
	if err != nil {
		return err
	}
	if err := r.rehearse(ctx, rehearsal, suites); err != nil {
		return fmt.Errorf("archive %s: %w", r.Archive.Root, err)
	}
	return nil
}

// rehearse publishes the packages as they are planned, in memory, to meet the refusals that do not depend on their files.
func (r *run) rehearse(ctx context.Context, rehearsal *apt.Rehearsal, suites []string) error {
	suites, err := r.lasting(ctx, rehearsal.Outlived, suites)
	if err != nil {
		return err
	}
	var planned []*deb.Info
	for _, p := range r.plan.Platforms {
		for _, pkg := range p.Packages {
			info, err := deb.Outline(ctx, r.described(pkg), r.temp())
			if err != nil {
				return err
			}
			planned = append(planned, info)
		}
	}
	if err := rehearsal.Add(ctx, planned, suites); err != nil {
		return err
	}
	return rehearsal.Publish(ctx, r.publishOptions())
}

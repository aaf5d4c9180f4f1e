package release

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	"kubedist/pkg/ledger"
	"kubedist/pkg/progress"
)

// pipelines runs platform beside platform: compile, package, make images, tar. The first failure stops the others, unless
// KeepGoing is set; then all failures are returned together.
func (r *run) pipelines(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	var mu sync.Mutex
	var failures []error
	start := func(work func(context.Context) error) {
		group.Go(func() error {
			err := work(ctx)
			if err == nil || !r.KeepGoing || ctx.Err() != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			failures = append(failures, err)
			return nil
		})
	}
	for _, t := range r.plan.Tarballs {
		start(func(ctx context.Context) error { return r.sharedTarball(ctx, t) })
	}
	if !r.plan.asksTools() {
		close(r.documents.ready)
	} else if r.Selection.Host.OS != "linux" {
		progress.Warn(r.Reporter, "kubelet describes other flags on %s than on Linux: make packages whose manual pages shall be right on Linux", r.Selection.Host.OS)
	}
	progress.Plan(r.Reporter, len(r.plan.Platforms), "%s, one task for each platform, on %d cores", r.plan.Version, r.Budget.Cores)
	for i, p := range r.plan.Platforms {
		// Platforms get their lane in the plan's order: the first writes the documents that all packages wait for.
		if err := r.lanes.Acquire(ctx, 1); err != nil {
			group.Go(func() error { return err })
			break
		}
		release := sync.OnceFunc(func() { r.lanes.Release(1) })
		start(func(ctx context.Context) error {
			defer release()
			return r.platform(ctx, p, i == 0 && r.plan.asksTools(), release)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	slices.SortFunc(failures, func(a, b error) int { return slices.Compare([]byte(a.Error()), []byte(b.Error())) })
	return errors.Join(failures...)
}

// fail ends task with err, or, when another task's failure or an interrupt ended it, as stopped.
func fail(ctx context.Context, task *progress.Task, err error) {
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	task.Fail(err)
}

// sharedTarball makes a tarball of no platform; those that hold it wait for it.
func (r *run) sharedTarball(ctx context.Context, t Tarball) error {
	task := progress.Start(r.Reporter, "all platforms", "tar", t.Name)
	if err := r.tarball(ctx, "", t, nil); err != nil {
		fail(ctx, task, err)
		r.shared.done(t.Name, ledger.File{}, err)
		return err
	}
	task.Done()
	return nil
}

// platform is one platform's pipeline. The one whose programs run on this machine writes the documents too, and its
// programs are asked which images they want. compiled is called when the platform has no more use for its lane.
func (r *run) platform(ctx context.Context, p Platform, writesDocuments bool, compiled func()) (err error) {
	task := progress.Start(r.Reporter, p.Name, "compile", p.Compiles[0].label())
	defer func() {
		if err != nil {
			fail(ctx, task, err)
			return
		}
		task.Done()
	}()
	var programs []built
	for i, c := range p.Compiles {
		if i > 0 {
			task.Step("compile", c.label())
		}
		list, err := r.compile(ctx, p, c)
		if err != nil {
			if writesDocuments {
				r.documents.err = fmt.Errorf("documents were not made: the programs of %s, which write them, were not compiled", p.Name)
				close(r.documents.ready)
			}
			return err
		}
		programs = append(programs, list...)
	}
	compiled()
	if writesDocuments {
		task.Step("write documents")
		tools := map[string]ledger.File{}
		for _, b := range programs {
			tools[b.program.Binary] = b.file
		}
		r.documents.files, r.documents.err = r.writeDocuments(ctx, tools)
		close(r.documents.ready)
		if r.documents.err != nil {
			return r.documents.err
		}
		if err := r.checkCoverage(ctx, tools); err != nil {
			return err
		}
	}
	if len(p.Packages) > 0 {
		task.Step("package")
	}
	group, packaging := errgroup.WithContext(ctx)
	for _, planned := range p.Packages {
		group.Go(func() error { return r.pkg(packaging, p, planned, programs) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	if len(p.Images) > 0 {
		task.Step("image")
	}
	if err := r.images(ctx, p, programs); err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	if len(p.Tarballs) > 0 {
		task.Step("tar")
	}
	for _, planned := range p.Tarballs {
		if err := r.tarball(ctx, p.Name, planned, programs); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	return nil
}

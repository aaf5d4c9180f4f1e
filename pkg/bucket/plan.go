package bucket

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"kubedist/pkg/apt"
	"kubedist/pkg/hint"
)

// plan is what a push has to do, and what the bucket holds afterwards.
type plan struct {
	uploads   []upload // sorted by stage, then by path
	removals  []string // in the order in which they are to go
	unchanged int      // files that the bucket has as they are
	kept      int      // objects that are no longer in the archive, for clients in the middle of an update
	foreign   int      // objects that others put there
	changes   bool     // clients get something new, or lose something
	asked     bool     // objects had to be asked for what the record should have told
	record    *record  // of this push; it grows as uploads are done
}

// upload is a file that is to be written.
type upload struct {
	apt.PublishedFile
	stage   apt.Stage
	version string // of the object that it replaces, "" when there is none
}

// planner compares an archive with a bucket.
type planner struct {
	store       store
	files       []apt.PublishedFile
	generations int
	jobs        int
}

// plan lists the bucket and decides. It changes nothing.
func (p *planner) plan(ctx context.Context) (*plan, error) {
	last, err := readRecord(ctx, p.store)
	if err != nil {
		return nil, err
	}
	objects := map[string]object{}
	err = p.store.list(ctx, func(o object) error {
		if !strings.HasPrefix(o.key, workDir+"/") {
			objects[o.key] = o
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing: %w", err)
	}
	local := make(map[string]*apt.PublishedFile, len(p.files))
	for i := range p.files {
		local[p.files[i].Path] = &p.files[i]
	}
	asked, err := p.ask(ctx, objects, local, last)
	if err != nil {
		return nil, err
	}
	r := &plan{asked: asked, record: &record{push: max(1, last.push), objects: map[string]recorded{}, version: last.version}}
	if err := r.compare(p.files, objects); err != nil {
		return nil, err
	}
	dropped := func(o object) bool { return local[o.key] == nil && o.pushed && last.objects[o.key].gone == 0 }
	r.changes = len(r.uploads) > 0 || slices.ContainsFunc(slices.Collect(maps.Values(objects)), dropped)
	if r.changes { // generations are counted in pushes that did something
		r.record.push = last.push + 1
	}
	r.retire(objects, local, last, p.generations)
	return r, nil
}

// ask fills in the digests of the objects: from the record where it is about the same version of them, else from the
// objects themselves. Those at whose top level the archive has nothing are not its own and are not asked. It reports
// whether one that the archive has had to be asked.
func (p *planner) ask(ctx context.Context, objects map[string]object, local map[string]*apt.PublishedFile, last *record) (bool, error) {
	tops := map[string]bool{}
	for name := range local {
		top, _, _ := strings.Cut(name, "/")
		tops[top] = true
	}
	workers, ctx := errgroup.WithContext(ctx)
	workers.SetLimit(p.jobs)
	var mu sync.Mutex
	answered := map[string]object{}
	for key, o := range objects {
		known := last.objects[key]
		f := local[key]
		top, _, _ := strings.Cut(key, "/")
		switch {
		case known.version == o.version && known.size == o.size && o.version != "":
			o.sha256, o.pushed = known.sha256, true
			objects[key] = o
		case f != nil && f.Size == o.size && apt.StageOf(key) == apt.StageByHash && path.Base(key) == f.SHA256:
			o.sha256, o.pushed = f.SHA256, true // such an object is written once, whole, under its digest
			objects[key] = o
		case tops[top]:
			workers.Go(func() error {
				is, err := p.store.stat(ctx, key)
				if err != nil && !errors.Is(err, errNotFound) {
					return fmt.Errorf("%s: %w", key, err)
				}
				mu.Lock()
				defer mu.Unlock()
				answered[key] = is
				return nil
			})
		}
	}
	if err := workers.Wait(); err != nil {
		return false, err
	}
	asked := false
	for key, o := range answered {
		if asked = asked || local[key] != nil; o.key == "" {
			delete(objects, key)
		} else {
			objects[key] = o
		}
	}
	return asked, nil
}

// compare decides what is to be written. Two contents under one name of the pool are an error: clients that know the one
// by an index would meet the other.
func (r *plan) compare(files []apt.PublishedFile, objects map[string]object) error {
	var problems []error
	for _, f := range files {
		o, there := objects[f.Path]
		switch {
		case there && o.size == f.Size && o.sha256 == f.SHA256:
			r.unchanged++
			r.record.objects[f.Path] = recorded{size: f.Size, version: o.version, sha256: f.SHA256}
			continue
		case there && apt.StageOf(f.Path) == apt.StagePool && (o.sha256 != "" || o.size != f.Size):
			problems = append(problems, hint.Errorf("give the package a higher revision; once no client can know the other one, remove it from the bucket by hand",
				"%s: the bucket has other contents under that name", f.Path))
		}
		r.uploads = append(r.uploads, upload{PublishedFile: f, stage: apt.StageOf(f.Path), version: o.version})
	}
	slices.SortStableFunc(r.uploads, func(a, b upload) int { return cmp.Compare(a.stage, b.stage) })
	return errors.Join(problems...)
}

// retire decides what becomes of the objects that are no longer in the archive. Packages and the contents of indices stay
// until so many further pushes have changed something that all clients have met a newer InRelease; all else goes at once,
// InRelease before what it names.
func (r *plan) retire(objects map[string]object, local map[string]*apt.PublishedFile, last *record, generations int) {
	for key, o := range objects {
		if local[key] != nil {
			continue
		}
		if !o.pushed {
			r.foreign++
			continue
		}
		known := last.objects[key]
		if known.gone == 0 {
			known.gone = r.record.push
		}
		if !apt.StageOf(key).Immutable() || r.record.push-known.gone >= generations-1 {
			r.removals = append(r.removals, key)
			continue
		}
		r.kept++
		r.record.objects[key] = recorded{size: o.size, version: o.version, sha256: o.sha256, gone: known.gone}
	}
	slices.SortFunc(r.removals, func(a, b string) int { return cmp.Or(cmp.Compare(apt.StageOf(b), apt.StageOf(a)), cmp.Compare(a, b)) })
}

// idle tells that there is nothing to write, to remove or to note.
func (r *plan) idle() bool { return !r.changes && !r.asked && len(r.removals) == 0 }

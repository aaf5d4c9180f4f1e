package bucket

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"kubedist/pkg/apt"
	"kubedist/pkg/hint"
	"kubedist/pkg/progress"
)

// Options say what is pushed, and how.
type Options struct {
	Root  string              // the directory that is published
	Files []apt.PublishedFile // in it, as [apt.Transaction.PublishedFiles] lists them; the transaction is to outlive the push

	// Generations is for how many pushes that changed something, the one that dropped it included, an object stays that is
	// no longer in the archive; at least 2.
	Generations int
	Jobs        int  // objects that are written at once; 0 is 8
	DryRun      bool // write nothing, tell what would be written
	// Diverged pushes even if the bucket has packages that Root does not have, which clients then lose.
	Diverged bool

	Holder string    // who pushes, for others who wait
	Now    time.Time // when, for the same; nothing is decided by it
	// Lease is for how long a pusher may be silent before another takes the lock over; 0 is a minute.
	Lease time.Duration
	// Waiting is told, once, who is waited for and since when he pushes. It may be nil.
	Waiting  func(holder string, since time.Time)
	Progress progress.Reporter // may be nil
}

// Result tells what a push did, or would do.
type Result struct {
	Bucket    string        `json:"bucket"`
	DryRun    bool          `json:"dryRun,omitempty"`
	Stages    []StageResult `json:"stages"`    // that had anything to write, in their order
	Unchanged int           `json:"unchanged"` // files that the bucket had as they are
	Removed   []string      `json:"removed"`   // objects, in the order in which they went
	Kept      int           `json:"kept"`      // objects no longer in the archive, kept for clients in the middle of an update
	Foreign   int           `json:"foreign"`   // objects that others have put there, left alone
}

// StageResult tells what was written in one stage.
type StageResult struct {
	Stage string   `json:"stage"`
	Files []string `json:"files"`
	Bytes int64    `json:"bytes"`
}

// Push makes the bucket what the tree is. After an error clients see each suite as it was or as it is to be, and pushing
// again finishes the work.
//
// Errors are those of the store and of reading the tree; of ctx, while another pusher holds the lock; [ErrDiverged]; and
// those about suites that clients would not take in place of what the bucket has.
func (b *Bucket) Push(ctx context.Context, o Options) (*Result, error) {
	r, err := b.push(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("pushing to %s: %w", b.name, err)
	}
	return r, nil
}

func (b *Bucket) push(ctx context.Context, o Options) (_ *Result, err error) {
	if !slices.ContainsFunc(o.Files, func(f apt.PublishedFile) bool { return apt.StageOf(f.Path) == apt.StageInRelease }) {
		return nil, hint.Errorf("publish one first: kubedist repo add", "no suite is published in %s", o.Root)
	}
	if o.Generations < 2 {
		return nil, fmt.Errorf("generations: %d is less than 2", o.Generations)
	}
	if o.Jobs <= 0 {
		o.Jobs = 8
	}
	if o.Lease <= 0 {
		o.Lease = time.Minute
	}
	p := &pusher{planner: planner{store: b.store, files: o.Files, generations: o.Generations, jobs: o.Jobs}, options: o}
	p.result = &Result{Bucket: b.name, DryRun: o.DryRun, Stages: []StageResult{}, Removed: []string{}}
	if o.DryRun {
		return p.result, p.decide(ctx)
	}
	held, lock, err := acquire(ctx, b.store, lockRequest{holder: o.Holder, now: o.Now, lease: o.Lease, waiting: o.Waiting})
	if err != nil {
		return nil, err
	}
	defer func() {
		// Also after an interruption: the next one should not have to wait.
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, lock.release(ending))
	}()
	p.lock = lock
	if err := p.run(held); err != nil {
		if cause := context.Cause(held); cause != nil && ctx.Err() == nil {
			return nil, cause // the lock was lost, which ended all else
		}
		return nil, err
	}
	return p.result, nil
}

// pusher is one push.
type pusher struct {
	planner
	options Options
	lock    *lock
	todo    *plan
	result  *Result
}

// decide makes the plan and tells it in the result.
func (p *pusher) decide(ctx context.Context) error {
	var err error
	if p.todo, err = p.plan(ctx); err != nil {
		return err
	}
	readLocal := func(name string) ([]byte, error) { return os.ReadFile(p.local(name)) }
	if err := p.checkSuites(ctx, p.todo, readLocal, p.options.Diverged); err != nil {
		return err
	}
	p.result.Unchanged, p.result.Kept, p.result.Foreign = p.todo.unchanged, p.todo.kept, p.todo.foreign
	p.result.Removed = append(p.result.Removed, p.todo.removals...)
	for _, stage := range apt.Stages() {
		r := StageResult{Stage: stage.String()}
		for _, u := range p.stage(stage) {
			r.Files = append(r.Files, u.Path)
			r.Bytes += u.Size
		}
		if len(r.Files) > 0 {
			p.result.Stages = append(p.result.Stages, r)
		}
	}
	return nil
}

func (p *pusher) local(name string) string {
	return filepath.Join(p.options.Root, filepath.FromSlash(name))
}

// stage gives the uploads of one stage.
func (p *pusher) stage(s apt.Stage) []upload {
	var all []upload
	for _, u := range p.todo.uploads {
		if u.stage == s {
			all = append(all, u)
		}
	}
	return all
}

func (p *pusher) run(ctx context.Context) error {
	if err := p.decide(ctx); err != nil {
		return err
	}
	if p.todo.idle() {
		return nil
	}
	if err := p.store.tidy(ctx); err != nil {
		return err
	}
	progress.Plan(p.options.Progress, len(p.result.Stages), "%d files", len(p.todo.uploads))
	for _, stage := range apt.Stages() {
		if err := p.write(ctx, stage); err != nil {
			return err
		}
	}
	if err := p.todo.record.write(ctx, p.store); err != nil {
		return err
	}
	for _, stage := range slices.Backward(apt.Stages()) {
		if err := p.remove(ctx, stage); err != nil {
			return err
		}
	}
	return nil
}

// remove removes what is to go of one stage.
func (p *pusher) remove(ctx context.Context, stage apt.Stage) error {
	workers, ctx := errgroup.WithContext(ctx)
	workers.SetLimit(p.options.Jobs)
	for _, key := range p.todo.removals {
		if apt.StageOf(key) != stage {
			continue
		}
		workers.Go(func() error {
			if err := p.store.remove(ctx, key); err != nil {
				return fmt.Errorf("removing %s: %w", key, err)
			}
			return nil
		})
	}
	return workers.Wait()
}

// write writes the files of one stage side by side.
func (p *pusher) write(ctx context.Context, stage apt.Stage) (err error) {
	uploads := p.stage(stage)
	if len(uploads) == 0 {
		return nil
	}
	if stage == apt.StageInRelease {
		// What was written so far changed nothing for clients. This does.
		if err := p.lock.renew(ctx); err != nil {
			return err
		}
	}
	task := progress.Start(p.options.Progress, stage.String(), "upload", fmt.Sprintf("%d files", len(uploads)))
	defer func() { task.End(err) }()
	workers, ctx := errgroup.WithContext(ctx)
	workers.SetLimit(p.options.Jobs)
	var mu sync.Mutex
	for _, u := range uploads {
		workers.Go(func() error {
			o, err := p.upload(ctx, u)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			p.todo.record.objects[u.Path] = recorded{size: u.Size, version: o.version, sha256: u.SHA256}
			return nil
		})
	}
	return workers.Wait()
}

func (p *pusher) upload(ctx context.Context, u upload) (object, error) {
	f, err := os.Open(p.local(u.Path))
	if err != nil {
		return object{}, err
	}
	defer f.Close()
	o, err := p.store.put(ctx, f, putOptions{
		key: u.Path, size: u.Size, sha256: u.SHA256, version: u.version, modTime: u.ModTime,
		contentType: apt.ContentType(u.Path), cacheControl: apt.CacheControl(u.Path),
	})
	if errors.Is(err, errChanged) {
		return object{}, hint.With(fmt.Errorf("%s: %w", u.Path, err), "push again; if it stays so, someone writes to the bucket without taking the lock")
	}
	if err != nil {
		return object{}, fmt.Errorf("%s: %w", u.Path, err)
	}
	return o, nil
}

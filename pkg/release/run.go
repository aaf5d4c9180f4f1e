package release

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sync/semaphore"
	"kubedist/pkg/atomicfile"
	"kubedist/pkg/build"
	"kubedist/pkg/gocmd"
	"kubedist/pkg/hint"
	"kubedist/pkg/image"
	"kubedist/pkg/ledger"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/progress"
	"kubedist/pkg/source"
	"kubedist/pkg/spec"
)

// run is one execution of a plan.
type run struct {
	*Options
	command   *gocmd.Go
	plan      *Plan
	ledger    *ledger.Ledger
	compiler  build.Compiler
	cCompiler build.Compiler      // of programs in C
	lanes     *semaphore.Weighted // platforms being compiled
	writers   *semaphore.Weighted // packages and tarballs being compressed

	trees      map[string]*source.Tree // by source name
	goVersions map[string]string       // by source name: the tool chain that compiles it
	profile    spec.Profile            // how programs are linked; the zero one leaves that to them
	extra      []string                // platforms that the tree does not list

	compilers compilers // of C

	layout *image.Layout          // of all images
	bases  map[baseKey]*imageBase // what images are built on
	layers sync.Map               // key of a layer -> what writes it once
	imaged *imageSet

	documents *documents
	shared    *shared
	artifacts *collection
	packed    sync.Map    // SHA-256 of a file in packages -> its compressed bytes
	worked    atomic.Bool // something had to be made
}

// built is a compiled program.
type built struct {
	program Program
	file    ledger.File
}

// Result is what a run made.
type Result struct {
	Dir       string     `json:"dir"`
	Version   string     `json:"version"`
	Stamp     Stamp      `json:"stamp"`
	Artifacts []Artifact `json:"artifacts"`
	Published []string   `json:"published,omitempty"` // suites of the archive
	UpToDate  bool       `json:"upToDate"`            // there was nothing to do
}

// Run makes a release, or what is missing of it. Files are complete when they appear under their names, so that a run
// which was interrupted is resumed by the next one.
func Run(ctx context.Context, o Options) (*Result, error) {
	r, err := prepare(ctx, &o)
	if err != nil {
		return nil, err
	}
	unlock, err := r.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := r.checkFinished(); err != nil {
		return nil, err
	}
	if err := r.clean(); err != nil {
		return nil, fmt.Errorf("cleaning %s: %w", r.Dir(), err)
	}
	if err := r.preflight(ctx); err != nil {
		return nil, err
	}
	if err := r.newCompiler(ctx); err != nil {
		return nil, err
	}
	if names := gocmd.Ignored(r.Environ); len(names) > 0 {
		progress.Warn(r.Reporter, "not taken from the environment: %s; what decides the bytes of programs is pinned", strings.Join(names, " "))
	}
	if err := r.openCompilers(ctx); err != nil {
		return nil, err
	}
	if err := r.openBases(ctx); err != nil {
		return nil, err
	}
	if err := r.pipelines(ctx); err != nil {
		return nil, err
	}
	if err := r.index(ctx); err != nil {
		return nil, fmt.Errorf("images of %s: %w", r.plan.Version, err)
	}
	if o.Selection.Until == Publish {
		if err := r.attest(ctx); err != nil {
			return nil, fmt.Errorf("provenance of %s: %w", r.plan.Version, err)
		}
	}
	result := &Result{Dir: r.Dir(), Version: r.plan.Version, Stamp: r.stamp(), Artifacts: r.artifacts.sorted()}
	if o.Selection.Until == Publish {
		if err := r.finish(ctx); err != nil {
			return nil, fmt.Errorf("manifest of %s: %w", r.plan.Version, err)
		}
		if result.Published, err = r.publish(ctx); err != nil {
			return nil, err
		}
	}
	result.UpToDate = !r.worked.Load()
	return result, nil
}

// PlanOnly opens the sources and returns the plan that Run would run.
func PlanOnly(ctx context.Context, o Options) (*Plan, error) {
	r, err := prepare(ctx, &o)
	if err != nil {
		return nil, err
	}
	return r.plan, nil
}

// prepare opens the sources and makes the plan.
func prepare(ctx context.Context, o *Options) (*run, error) {
	r, err := newRun(ctx, o)
	if err != nil {
		return nil, err
	}
	in, err := r.openSources(ctx)
	if err != nil {
		return nil, err
	}
	if r.plan, err = NewPlan(o.Spec, in, o.Selection); err != nil {
		return nil, err
	}
	r.noteExtraPlatforms()
	return r, nil
}

func newRun(ctx context.Context, o *Options) (*run, error) {
	if err := checkVersion(o.Version); err != nil {
		return nil, err
	}
	profile, err := profile(o.Spec, o.Selection.Profile)
	if err != nil {
		return nil, err
	}
	command, err := gocmd.New(ctx, gocmd.Options{Environ: o.Environ})
	if err != nil {
		return nil, err
	}
	return &run{
		Options: o, command: command, profile: profile, ledger: ledger.New(o.Dir()),
		lanes:     semaphore.NewWeighted(int64(o.Budget.Lanes())),
		writers:   semaphore.NewWeighted(int64(o.Budget.Cores)),
		documents: &documents{ready: make(chan struct{})}, shared: &shared{}, artifacts: &collection{},
		layout: image.NewLayout(filepath.Join(o.Dir(), imagesDir)), imaged: &imageSet{},
	}, nil
}

// newCompiler makes the compilers, whose temporary files lie where the next run finds them.
func (r *run) newCompiler(ctx context.Context) error {
	temp, err := filepath.Abs(r.temp())
	if err != nil {
		return err
	}
	command, err := gocmd.New(ctx, gocmd.Options{Environ: r.Environ, TempDir: temp})
	if err != nil {
		return err
	}
	r.compiler = build.Cached(build.Go(build.Options{Go: command, Budget: r.Budget, Executable: r.Executable}), r.ledger)
	r.cCompiler = build.Cached(build.C(build.COptions{Environ: r.Environ}), r.ledger)
	return nil
}

// lock keeps a second run away from the release's directory for as long as this process lives.
func (r *run) lock() (func(), error) {
	if err := atomicfile.MkdirAll(r.ledger.Dir()); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(r.ledger.Dir(), "lock"))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", r.Dir(), err)
	}
	if !ok {
		return nil, hint.Errorf("wait for it, or choose another directory with --out", "%s: another kubedist is making this release", r.Dir())
	}
	return func() { _ = lock.Close() }, nil
}

// path is where a file of the release lies.
func (r *run) path(f ledger.File) string { return filepath.Join(r.Dir(), filepath.FromSlash(f.Path)) }

// signingTime is when signatures of something dated at say they were made: then, or when the youngest of their keys was
// made if that was later, for verifiers refuse signatures that are older than their key.
func signingTime(at time.Time, signers ...openpgp.Signer) time.Time {
	for _, s := range signers {
		if created := s.Public().Created(); created.After(at) {
			at = created
		}
	}
	return at
}

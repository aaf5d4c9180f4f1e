package release

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	"kubedist/pkg/gocmd"
	"kubedist/pkg/hint"
	"kubedist/pkg/progress"
	"kubedist/pkg/source"
	"kubedist/pkg/spec"
)

// openSources opens the trees that the selection needs, side by side, and finds the programs of groups.
func (r *run) openSources(ctx context.Context) (Inputs, error) {
	for name := range r.Sources {
		if _, ok := r.Spec.Source(name); !ok {
			return Inputs{}, &SelectionError{hint.Errorf("specs/sources.yaml lists the names", "source %s: not declared", name)}
		}
	}
	r.trees, r.goVersions = map[string]*source.Tree{}, map[string]string{}
	in := Inputs{Version: r.Version, Versions: map[string]string{}, Found: map[string]map[string][]string{}}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range r.neededSources() {
		group.Go(func() error {
			tree, goVersion, err := r.openSource(ctx, s)
			if err != nil {
				return err
			}
			found, err := r.findPrograms(ctx, s, tree)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			r.trees[s.Name], r.goVersions[s.Name], in.Versions[s.Name] = tree, goVersion, tree.Stamp.Version
			for group, mains := range found {
				in.Found[group] = mains
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return Inputs{}, err
	}
	in.Known = r.carried(r.trees[r.primary()])
	return in, nil
}

// OpenPrimary opens the source that a release follows, and nothing else.
func OpenPrimary(ctx context.Context, o Options) (*source.Tree, error) {
	r, err := newRun(ctx, &o)
	if err != nil {
		return nil, err
	}
	s, _ := r.Spec.Source(r.primary())
	tree, _, err := r.openSource(ctx, s)
	return tree, err
}

// neededSources leaves out the sources that no selected package or program is made of.
func (r *run) neededSources() []spec.Source {
	if len(r.Selection.Packages)+len(r.Selection.Programs) == 0 {
		return r.Spec.Sources
	}
	needed := map[string]bool{r.primary(): true}
	for _, b := range r.Spec.Binaries {
		if slices.Contains(r.Selection.Programs, b.Name) {
			needed[b.Source] = true
		}
	}
	for _, p := range r.Spec.Packages {
		if slices.Contains(r.Selection.Packages, p.Name) {
			needed[p.Source] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(r.Spec.Sources), func(s spec.Source) bool { return !needed[s.Name] })
}

// openSource opens one tree and asks for the tool chain that compiles it.
func (r *run) openSource(ctx context.Context, s spec.Source) (*source.Tree, string, error) {
	task := progress.Start(r.Reporter, "source "+s.Name, "open", cmp.Or(s.Version, r.Version))
	o := source.Options{
		Name: s.Name, Module: s.Module, Version: cmp.Or(s.Version, r.Version), Directory: r.Sources[s.Name], CacheDir: r.CacheDir,
		GoVersion: s.Go, Toolchain: r.Toolchain, Environ: r.Environ,
	}
	if s.Staging != nil {
		o.SkipStaging = s.Staging.Skip
	}
	if s.Version == "" {
		o.Commit, o.BuildDate = r.Commit, r.BuildDate
		if known, ok := r.known(); ok && o.Directory == "" {
			o.Commit = known.Commit
		}
	}
	if o.Directory != "" {
		o.BuildDate = cmp.Or(o.BuildDate, r.BuildDate, r.Epoch)
		var err error
		if o.Exclude, err = r.outputs(); err != nil {
			return nil, "", err
		}
	}
	tree, err := source.Open(ctx, o)
	if err != nil {
		fail(ctx, task, err)
		return nil, "", err
	}
	goVersion := tree.Toolchain
	if goVersion == gocmd.Local {
		if goVersion, err = r.command.WithToolchain(gocmd.Local).Version(ctx); err != nil {
			fail(ctx, task, err)
			return nil, "", err
		}
	}
	if s.Version == "" {
		if err := r.checkKnown(tree); err != nil {
			fail(ctx, task, err)
			return nil, "", err
		}
	}
	task.Done()
	return tree, goVersion, nil
}

// outputs are the directories that the run writes into.
func (r *run) outputs() ([]string, error) {
	dirs := []string{r.Dir()}
	if r.Archive != nil {
		dirs = append(dirs, r.Archive.Root)
	}
	for i, dir := range dirs {
		absolute, err := filepath.Abs(dir)
		if err != nil {
			return nil, err
		}
		dirs[i] = absolute
	}
	return dirs, nil
}

// findPrograms finds the main packages of s's groups, for every operating system that has a platform for them.
func (r *run) findPrograms(ctx context.Context, s spec.Source, tree *source.Tree) (map[string]map[string][]string, error) {
	found := map[string]map[string][]string{}
	for _, b := range r.Spec.Binaries {
		if b.Source != s.Name || len(b.Find) == 0 {
			continue
		}
		found[b.Name] = map[string][]string{}
		for _, p := range r.Spec.Platforms {
			if !p.Serves(b.Roles) || found[b.Name][p.ID.OS] != nil {
				continue
			}
			mains, err := source.Mains(ctx, r.command.WithToolchain(tree.Toolchain), tree, b.Find, p.ID.OS)
			if err != nil {
				return nil, fmt.Errorf("programs of %s: %w", b.Name, err)
			}
			found[b.Name][p.ID.OS] = mains
		}
	}
	return found, nil
}

// noteExtraPlatforms remembers which planned platforms have a role that the tree itself does not list them for: they are
// built all the same, and the manifest says so.
func (r *run) noteExtraPlatforms() {
	supported, err := source.Platforms(r.trees[r.primary()])
	if err != nil {
		// A tree without the list is no worse to compile.
		return
	}
	listed := map[spec.Role][]string{spec.Server: supported.Server, spec.Node: supported.Node, spec.Client: supported.Client}
	for _, p := range r.plan.Platforms {
		declared, _ := r.Spec.Platform(p.ID)
		if p.Released() && slices.ContainsFunc(declared.Roles, func(role spec.Role) bool { return !slices.Contains(listed[role], p.ID.OS+"/"+p.ID.Arch) }) {
			r.extra = append(r.extra, p.Name)
		}
	}
	slices.Sort(r.extra)
}

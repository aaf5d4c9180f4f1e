package release

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
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
	in := Inputs{Version: r.Version, Versions: map[string]string{}, Found: map[string]map[string][]string{}, Tags: map[string]string{}}
	needed := r.neededSources()
	// Those that follow the release are told their version by its tree.
	for _, follows := range []bool{false, true} {
		round := slices.DeleteFunc(slices.Clone(needed), func(s spec.Source) bool { return (s.Follows != nil) != follows })
		if err := r.openRound(ctx, round, in); err != nil {
			return Inputs{}, err
		}
	}
	primary := r.trees[r.primary()]
	in.Known = r.carried(primary)
	for _, i := range r.Spec.Images {
		if i.Tag == nil || !r.wants().wantsImage(i) {
			continue
		}
		var err error
		if in.Tags[i.Name], err = source.Read(primary, i.Tag.File, i.Tag.Match); err != nil {
			return Inputs{}, fmt.Errorf("tag of image %s: %w", i.Name, err)
		}
	}
	return in, nil
}

// openRound opens trees side by side and puts what a plan has to know of them into in.
func (r *run) openRound(ctx context.Context, round []spec.Source, in Inputs) error {
	// Before the round begins: it adds its trees to those that are asked.
	versions := map[string]string{}
	for _, s := range round {
		var err error
		if versions[s.Name], err = r.version(s); err != nil {
			return err
		}
	}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range round {
		group.Go(func() error {
			tree, goVersion, err := r.openSource(ctx, s, versions[s.Name])
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
	return group.Wait()
}

// OpenPrimary opens the source that a release follows, and nothing else.
func OpenPrimary(ctx context.Context, o Options) (*source.Tree, error) {
	r, err := newRun(ctx, &o)
	if err != nil {
		return nil, err
	}
	s, _ := r.Spec.Source(r.primary())
	version, err := r.version(s)
	if err != nil {
		return nil, err
	}
	tree, _, err := r.openSource(ctx, s, version)
	return tree, err
}

// wants is a planner that knows what is selected, and nothing of the sources yet.
func (r *run) wants() *planner { return &planner{spec: r.Spec, sel: r.Selection} }

// neededSources leaves out the sources of which nothing is compiled.
func (r *run) neededSources() []spec.Source {
	pl := r.wants()
	return slices.DeleteFunc(slices.Clone(r.Spec.Sources), func(s spec.Source) bool {
		return !s.Primary() && !slices.ContainsFunc(r.Spec.Binaries, func(b spec.Binary) bool {
			return b.Source == s.Name && len(b.Roles) > 0 && b.Absent == "" && pl.wantsBinary(b)
		})
	})
}

// version returns the version of a source, which the primary one's tree may tell.
func (r *run) version(s spec.Source) (string, error) {
	if s.Follows == nil {
		return cmp.Or(s.Version, r.Version), nil
	}
	said, err := source.Read(r.trees[r.primary()], s.Follows.File, s.Follows.Match)
	if err != nil {
		return "", fmt.Errorf("version of %s: %w", s.Name, err)
	}
	return "v" + strings.TrimPrefix(said, "v"), nil
}

// openSource opens one tree and asks for the tool chain that compiles it.
func (r *run) openSource(ctx context.Context, s spec.Source, version string) (*source.Tree, string, error) {
	task := progress.Start(r.Reporter, "source "+s.Name, "open", version)
	o := source.Options{
		Name: s.Name, Module: s.Module, Version: version, Directory: r.Sources[s.Name], CacheDir: r.CacheDir,
		GoVersion: s.Go, Toolchain: r.Toolchain, Environ: r.Environ,
	}
	if s.Staging != nil {
		o.SkipStaging, o.SameVersion = s.Staging.Skip, s.Staging.Version == spec.StagingSame
	}
	if s.Primary() {
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
	if s.Primary() {
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

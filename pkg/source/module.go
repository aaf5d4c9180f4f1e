package source

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/gocmd"
	"kubedist/pkg/hint"
)

// openModule opens a version of a module: from the cache of trees when it was opened before, otherwise through the go
// command. A module whose zip holds a go.work with modules that are not in the zip, or whose nested modules
// are asked for, is put together in the cache; every other one is used where the go command keeps it.
func openModule(ctx context.Context, o Options) (*Tree, error) {
	if o.Version == "" {
		return nil, hint.Errorf("name a release such as v1.36.3, or use a checkout with --source DIR",
			"%q is %w to ask the module proxy for", o.Version, ErrNotVersion)
	}
	cache, err := filepath.Abs(o.CacheDir)
	if err != nil {
		return nil, err
	}
	s := store{dir: filepath.Join(cache, "trees")}
	name, key := o.request()
	id, err := s.lookup(name)
	if err != nil {
		return nil, err
	}
	if id == nil {
		unlock, err := s.lock(ctx, name, key)
		if err != nil {
			return nil, err
		}
		defer unlock()
		if id, err = s.fetch(ctx, o, name, key); err != nil {
			return nil, err
		}
	}
	stamp := Stamp{Version: id.Version, CommitTime: id.CommitTime, TreeState: StateArchive}
	if stamp, err = stamp.finish(o); err != nil {
		return nil, err
	}
	return &Tree{
		Name: o.Name, Module: id.Module, Dir: id.Dir, Stamp: stamp, Digest: id.Digest,
		GoVersion: id.GoVersion, Origin: OriginProxy, Sums: id.Sums,
	}, nil
}

// fetch answers a request through the go command, or from what another process recorded while this one waited.
func (s store) fetch(ctx context.Context, o Options, name, key string) (*identity, error) {
	if id, err := s.lookup(name); id != nil || err != nil {
		return id, err
	}
	work, err := os.MkdirTemp(s.dir, "tmp-"+key+"-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	g, err := o.newGo(ctx, work)
	if err != nil {
		return nil, err
	}

	d := downloader{command: g, dir: work}
	main, err := d.main(ctx, o.Module, o.Version)
	if err != nil {
		return nil, err
	}
	committed, err := main.time()
	if err != nil {
		return nil, err
	}
	id := &identity{Module: o.Module, Version: o.Version, CommitTime: committed, Dir: main.Dir, Sums: []Sum{main.sum()}}
	if id.GoVersion, err = goVersion(main.Dir, o.GoVersion); err != nil {
		return nil, err
	}
	ws, err := readWorkspace(main.Dir, o.SkipStaging)
	if ws == nil && err == nil && o.SameVersion {
		ws, err = readNested(main.Dir, o.SkipStaging)
	}
	if err != nil {
		return nil, err
	}
	if ws == nil {
		id.Digest = moduleDigest(id, nil)
		return id, s.record(name, *id)
	}
	staging, err := d.staging(ctx, ws.modules(o.Version, o.SameVersion))
	if err != nil {
		return nil, err
	}
	for _, m := range staging {
		id.Sums = append(id.Sums, m.sum())
	}
	slices.SortFunc(id.Sums, func(a, b Sum) int { return strings.Compare(a.Module, b.Module) })
	id.Digest = moduleDigest(id, ws.dropped)
	id.Dir = s.tree(id.Digest)
	if !exists(id.Dir) {
		if err := s.assemble(ctx, g, o, work, id, ws, append(staging, main)); err != nil {
			return nil, err
		}
	}
	return id, s.record(name, *id)
}

// assemble puts a workspace together under work and gives it its place in the cache.
func (s store) assemble(ctx context.Context, g *gocmd.Go, o Options, work string, id *identity, ws *workspace, modules []download) error {
	toolchain, err := o.toolchain(id.GoVersion)
	if err != nil {
		return err
	}
	dir := filepath.Join(work, "tree")
	if err := ws.unpack(ctx, dir, modules); err != nil {
		return err
	}
	if err := ws.write(dir); err != nil {
		return err
	}
	if ws.work == nil {
		// Its dependencies stay in the go command's cache: what go.sum has of them is all that can be compiled.
		return place(dir, id.Dir)
	}
	tree := &Tree{Dir: dir}
	if err := g.WithToolchain(toolchain).Run(ctx, gocmd.Command{Dir: dir, Args: []string{"work", "vendor"}, Env: tree.Env()}); err != nil {
		return fmt.Errorf("vendoring the workspace: %w", err)
	}
	return place(dir, id.Dir)
}

// place gives a finished tree its place in the cache.
func place(dir, to string) error {
	if err := atomicfile.SyncTree(dir); err != nil {
		return fmt.Errorf("writing the tree to disk: %w", err)
	}
	if err := os.Rename(dir, to); err != nil && !exists(to) {
		return fmt.Errorf("placing the tree: %w", err)
	}
	return nil
}

// moduleDigest is the digest of a tree that was made from modules: over the recipe, the modules with their sums, the
// Go release and what was left out.
func moduleDigest(id *identity, dropped []string) string {
	h := sha256.New()
	fmt.Fprintf(h, "kubedist tree of modules, recipe %d\ngo %s\n", recipe, id.GoVersion)
	for _, sum := range id.Sums {
		fmt.Fprintf(h, "module %s %s %s\n", sum.Module, sum.Version, sum.Sum)
	}
	for _, path := range dropped {
		fmt.Fprintf(h, "without %s\n", path)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

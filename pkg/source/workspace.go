package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"
	"golang.org/x/sync/errgroup"

	"kubedist/pkg/hint"
)

// maxModFile bounds go.mod and go.work files; those of Kubernetes have 20 KiB.
const maxModFile = 4 << 20

// StagingModule is a module of the workspace that lies beside the main module.
type StagingModule struct {
	// Path is the module's path, Dir its slash-separated directory below the tree, such as staging/src/k8s.io/api.
	Path, Dir string
}

// StagingModules returns the modules that the tree's go.work names beside the main module, sorted by path; none when
// there is no go.work. Those that Options.SkipStaging left out are not among them.
func StagingModules(t *Tree) ([]StagingModule, error) {
	ws, err := readWorkspace(t.Dir, nil)
	if ws == nil || err != nil {
		return nil, err
	}
	return ws.staging, nil
}

// workspace is a main module with the modules that lie inside of it: a go.work and the go.mod of its main module, or a
// go.mod alone that replaces modules by directories.
type workspace struct {
	work    *modfile.WorkFile // nil where there is none
	mod     *modfile.File
	staging []StagingModule // those to keep
	dropped []string        // paths of those to leave out, sorted
}

// readWorkspace reads the workspace at dir, with the modules of skip left out; nil when there is no other module in it.
// A directory of go.work is taken for the module that go.mod replaces by it: in a module zip the directory is absent.
func readWorkspace(dir string, skip []string) (*workspace, error) {
	data, err := readBounded(filepath.Join(dir, "go.work"), maxModFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	ws := &workspace{}
	if ws.work, err = modfile.ParseWork("go.work", data, nil); err != nil {
		return nil, err
	}
	if ws.mod, err = readMod(dir); err != nil {
		return nil, err
	}
	at := map[string]string{}
	for _, r := range ws.mod.Replace {
		if r.New.Version == "" {
			at[filepath.ToSlash(filepath.Clean(r.New.Path))] = r.Old.Path
		}
	}
	for _, use := range ws.work.Use {
		below := filepath.ToSlash(filepath.Clean(use.Path))
		if below == "." {
			continue
		}
		if !filepath.IsLocal(below) {
			return nil, fmt.Errorf("go.work: use %s lies outside the tree", use.Path)
		}
		path := at[below]
		if path == "" {
			nested, err := readMod(filepath.Join(dir, filepath.FromSlash(below)))
			if err != nil {
				return nil, fmt.Errorf("go.work: use %s, by which go.mod replaces nothing: %w", use.Path, err)
			}
			path = nested.Module.Mod.Path
		}
		if slices.Contains(skip, path) {
			ws.dropped = append(ws.dropped, path)
			continue
		}
		ws.staging = append(ws.staging, StagingModule{Path: path, Dir: below})
	}
	if len(ws.staging)+len(ws.dropped) == 0 {
		return nil, nil
	}
	ws.sort()
	return ws, nil
}

// readMod reads the go.mod of a directory.
func readMod(dir string) (*modfile.File, error) {
	data, err := readBounded(filepath.Join(dir, "go.mod"), maxModFile)
	if err != nil {
		return nil, err
	}
	mod, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		return nil, err
	}
	if mod.Module == nil {
		return nil, fmt.Errorf("go.mod in %s names no module", dir)
	}
	return mod, nil
}

// readNested reads the modules that go.mod at dir replaces by directories of the tree, with the modules of skip left
// out; nil when there is none.
func readNested(dir string, skip []string) (*workspace, error) {
	ws := &workspace{}
	var err error
	if ws.mod, err = readMod(dir); err != nil {
		return nil, err
	}
	for _, r := range ws.mod.Replace {
		below := filepath.ToSlash(filepath.Clean(r.New.Path))
		switch {
		case r.New.Version != "":
		case !filepath.IsLocal(below):
			return nil, fmt.Errorf("go.mod: %s is replaced by %s, outside the tree", r.Old.Path, r.New.Path)
		case slices.Contains(skip, r.Old.Path):
			ws.dropped = append(ws.dropped, r.Old.Path)
		default:
			ws.staging = append(ws.staging, StagingModule{Path: r.Old.Path, Dir: below})
		}
	}
	if len(ws.staging) == 0 {
		return nil, nil
	}
	ws.sort()
	return ws, nil
}

func (w *workspace) sort() {
	slices.Sort(w.dropped)
	slices.SortFunc(w.staging, func(a, b StagingModule) int { return strings.Compare(a.Path, b.Path) })
}

// modules returns the staging modules as they are published. Kubernetes tags v1.36.3 of the tree as v0.36.3 of each;
// others tag them together.
func (w *workspace) modules(version string, same bool) []module.Version {
	published := "v0." + strings.TrimPrefix(version, "v1.")
	if same {
		published = version
	}
	all := make([]module.Version, 0, len(w.staging))
	for _, s := range w.staging {
		all = append(all, module.Version{Path: s.Path, Version: published})
	}
	return all
}

// unpack writes the files of the modules into dir, each at its place in the workspace. Every zip is compared with the
// sum that the go command verified, because the module cache is a directory like any other.
func (w *workspace) unpack(ctx context.Context, dir string, modules []download) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	place := map[string]string{w.mod.Module.Mod.Path: "."}
	for _, s := range w.staging {
		place[s.Path] = s.Dir
	}
	// The zip of the main module needs an empty directory and holds no staging module, so it comes first.
	slices.SortStableFunc(modules, func(a, b download) int { return strings.Compare(place[a.Path], place[b.Path]) })
	for i, m := range modules {
		unpackOne := func() error {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			return unpackModule(filepath.Join(dir, filepath.FromSlash(place[m.Path])), m)
		}
		if i == 0 {
			if err := unpackOne(); err != nil {
				return errors.Join(err, group.Wait())
			}
			continue
		}
		group.Go(unpackOne)
	}
	return group.Wait()
}

func unpackModule(dir string, d download) error {
	sum, err := dirhash.HashZip(d.Zip, dirhash.Hash1)
	if err != nil {
		return fmt.Errorf("reading %s@%s: %w", d.Path, d.Version, err)
	}
	if sum != d.Sum {
		return hint.Errorf("run `go clean -modcache` to fetch it again; if that gives the same, do not trust where it comes from",
			"checksum mismatch of %s@%s: %s has %s, verified was %s", d.Path, d.Version, d.Zip, sum, d.Sum)
	}
	if err := modzip.Unzip(dir, module.Version{Path: d.Path, Version: d.Version}, d.Zip); err != nil {
		return fmt.Errorf("unpacking %s@%s: %w", d.Path, d.Version, err)
	}
	// Files of a zip come out read-only; the tree must be removable and vendored into.
	return filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return os.Chmod(name, 0o644)
	})
}

// write puts go.mod, and go.work where there is one, without the dropped modules into dir.
func (w *workspace) write(dir string) error {
	if len(w.dropped) == 0 {
		return nil
	}
	for _, r := range slices.Clone(w.mod.Replace) {
		old, dir := r.Old, r.New.Path // DropReplace empties r
		if !slices.Contains(w.dropped, old.Path) {
			continue
		}
		err := w.mod.DropReplace(old.Path, old.Version)
		if w.work != nil {
			err = errors.Join(err, w.work.DropUse(dir))
		} else {
			err = errors.Join(err, w.mod.DropRequire(old.Path))
		}
		if err != nil {
			return err
		}
	}
	w.mod.Cleanup()
	mod, err := w.mod.Format()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), mod, 0o644); err != nil || w.work == nil {
		return err
	}
	w.work.Cleanup()
	return os.WriteFile(filepath.Join(dir, "go.work"), modfile.Format(w.work.Syntax), 0o644)
}

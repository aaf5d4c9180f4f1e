package release

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"kubedist/pkg/ledger"
	"kubedist/pkg/source"
	"kubedist/pkg/spec"
	"kubedist/pkg/tarball"
)

// tarball writes one tar.gz, unless it is there already. platform is empty for one that is the same for all.
func (r *run) tarball(ctx context.Context, platform string, planned Tarball, programs []built) error {
	if err := r.writeTarball(ctx, platform, planned, programs); err != nil {
		return fmt.Errorf("tarball %s: %w", planned.Name, err)
	}
	return nil
}

func (r *run) writeTarball(ctx context.Context, platform string, planned Tarball, programs []built) error {
	tree := r.trees[planned.Spec.Source]
	inside, err := r.tarballFiles(ctx, platform, planned, programs)
	if err != nil {
		return err
	}
	var from, parts []string
	for _, files := range inside {
		for _, f := range files {
			from, parts = append(from, f.Path), append(parts, f.SHA256)
		}
	}
	dest := filepath.Join(r.Dir(), "tarballs", planned.Name)
	key := ledger.Key("tarball", formats(), planned, planned.Spec, parts, tree.Digest, tree.Stamp.BuildDate.Unix(), r.plan.Version)
	file, err := r.once(ctx, "tarball "+planned.Name, key, dest, func(w io.Writer) error {
		archive, err := r.newArchive(ctx, platform, planned, inside)
		if err != nil {
			return err
		}
		return archive.WriteGzip(ctx, w, tarball.Options{Time: tree.Stamp.BuildDate, Jobs: r.Budget.Cores, TempDir: r.temp()})
	})
	if err != nil {
		return err
	}
	if platform == "" {
		r.shared.done(planned.Name, file, nil)
	}
	r.artifacts.add(Artifact{Kind: TarFile, Name: planned.Name, Version: r.plan.Version, Platform: platform, Source: planned.Spec.Source, From: from, Missing: planned.Missing}, file)
	return nil
}

// tarballFiles returns, for each item of a layout, the files of the release that it puts inside. It waits for those that
// are still being made.
func (r *run) tarballFiles(ctx context.Context, platform string, planned Tarball, programs []built) ([][]ledger.File, error) {
	inside := make([][]ledger.File, len(planned.Spec.Contents))
	for i, item := range planned.Spec.Contents {
		for _, b := range programs {
			if !b.program.Tool && slices.Contains(item.Binaries, b.program.Binary) {
				inside[i] = append(inside[i], b.file)
			}
		}
		for _, name := range item.Images {
			if tar, _, ok := r.imaged.tar(name, platform); ok {
				inside[i] = append(inside[i], tar)
			}
		}
		if item.Tarball != "" {
			nested, err := r.shared.wait(ctx, item.Tarball)
			if err != nil {
				return nil, err
			}
			inside[i] = append(inside[i], nested)
		}
	}
	return inside, nil
}

// newArchive puts a tarball together: the release's own files, inside, by item of the layout, and what comes from the tree.
func (r *run) newArchive(ctx context.Context, platform string, planned Tarball, inside [][]ledger.File) (*tarball.Archive, error) {
	archive := &tarball.Archive{}
	for i, item := range planned.Spec.Contents {
		for _, f := range inside[i] {
			mode := fs.FileMode(0o644)
			if len(item.Binaries) > 0 {
				mode = 0o755
			}
			archive.Add(tarball.File{Name: within(item, path.Base(f.Path)), Mode: mode, Source: tarball.Path(r.path(f))})
		}
		for _, name := range item.Images {
			if _, tag, ok := r.imaged.tar(name, platform); ok {
				archive.Add(tarball.File{Name: within(item, name+".docker_tag"), Source: tarball.Bytes(strings.ReplaceAll(tag, "+", "_") + "\n")})
			}
		}
		if item.Version {
			archive.Add(tarball.File{Name: item.To, Source: tarball.Bytes(r.plan.Version)})
		}
		if item.Tree != "" {
			if err := addTree(ctx, archive, r.trees[planned.Spec.Source], item); err != nil {
				return nil, err
			}
		}
	}
	return archive, nil
}

// addTree adds a file or a directory of the source tree, of a checkout what is under version control.
func addTree(ctx context.Context, archive *tarball.Archive, tree *source.Tree, item spec.TarballItem) error {
	root := filepath.Join(tree.Dir, filepath.FromSlash(item.Tree))
	info, err := os.Stat(root)
	if err != nil {
		return fmt.Errorf("%s of the source tree: %w", item.Tree, err)
	}
	if !info.IsDir() {
		archive.Add(tarball.File{Name: within(item, path.Base(item.Tree)), Mode: info.Mode().Perm() & 0o755, Source: tarball.Path(root)})
		return nil
	}
	keep, err := tree.Keep(ctx)
	if err != nil {
		return err
	}
	part := &tarball.Archive{}
	err = part.AddTree(ctx, root, func(name string, d fs.DirEntry) bool { return keep(path.Join(item.Tree, name), d) })
	if err != nil {
		return err
	}
	part.AddPrefix(strings.TrimSuffix(item.To, "/"))
	archive.Add(part.Files...)
	return nil
}

// within is the path inside the tarball of a file called name.
func within(item spec.TarballItem, name string) string {
	if strings.HasSuffix(item.To, "/") {
		return item.To + name
	}
	return item.To
}

package imagebase

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"kubedist/pkg/tarball"
)

// archiveOf lists all that is below a directory, sorted. Files are 0755 when their owner may run them, else 0644;
// directories are 0755, the empty ones too. All belong to root.
func archiveOf(ctx context.Context, dir string) (*tarball.Archive, error) {
	archive := &tarball.Archive{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err = cmp.Or(err, ctx.Err()); err != nil || name == "." {
			return err
		}
		file, err := fileOf(dir, name, d)
		archive.Add(file)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("files of %s: %w", dir, err)
	}
	archive.Sort()
	return archive, archive.Check()
}

func fileOf(dir, name string, d fs.DirEntry) (tarball.File, error) {
	at := filepath.Join(dir, filepath.FromSlash(name))
	switch {
	case d.IsDir():
		return tarball.File{Name: name, Mode: 0o755, Dir: true}, nil
	case d.Type() == fs.ModeSymlink:
		target, err := os.Readlink(at)
		return tarball.File{Name: name, Link: relative(name, filepath.ToSlash(target))}, err
	}
	info, err := d.Info()
	if err != nil {
		return tarball.File{}, err
	}
	mode := fs.FileMode(0o644)
	if info.Mode()&0o100 != 0 {
		mode = 0o755
	}
	return tarball.File{Name: name, Mode: mode, Source: tarball.Path(at)}, nil
}

// relative rewrites an absolute target of a link so that it leads to the same file in whatever directory the root is. A
// target that is not clean because it leads through another file ("x/..") stays so, and the archive refuses it: where it
// leads depends on what that file is.
func relative(name, target string) string {
	if path.IsAbs(target) {
		target = strings.Repeat("../", strings.Count(name, "/")) + strings.TrimLeft(target, "/")
	}
	return tarball.TidyLink(target)
}

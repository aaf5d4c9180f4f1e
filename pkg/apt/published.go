package apt

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
	"time"

	"golang.org/x/sync/errgroup"
)

// PublishedFile is a file of a published tree.
type PublishedFile struct {
	Path    string // relative to the root, with slashes
	Size    int64  // bytes
	ModTime time.Time
	SHA256  string // lower-case hexadecimal
}

// PublishedFiles lists what is published, sorted by path, and makes sure that it fits together: what the InRelease files
// name and what the indices list is there. The transaction keeps others from changing it; it must not have changes of its
// own. What begins with a dot is no part of a published tree.
//
// The digest of a package is the one that the indices have, for its size alone is compared: who copies packages meets
// their bytes anyway, and should compare them then. All other files are read.
func (t *Transaction) PublishedFiles(ctx context.Context) ([]PublishedFile, error) {
	if t.closed || t.tree == nil {
		return nil, errors.New("transaction: it is over")
	}
	listed, err := t.tree.listedPackages(ctx)
	if err != nil {
		return nil, err
	}
	files, err := t.walkPublished(ctx)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	for i := range files {
		if p, found := listed[files[i].Path]; found && p.size == files[i].Size {
			files[i].SHA256 = p.sha256
		}
	}
	if err := t.digestPublished(ctx, files); err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	result := make([]PublishedFile, len(files))
	for i := range files {
		result[i] = files[i].PublishedFile
	}
	if err := t.checkPublished(result, listed); err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return result, nil
}

// walkedFile is a file of the tree with what tells whether another name is the same file.
type walkedFile struct {
	PublishedFile
	info fs.FileInfo
}

// listedPackages gives what the indices of all suites list, by the path in the pool.
func (t *tree) listedPackages(ctx context.Context) (map[string]poolFile, error) {
	listed := map[string]poolFile{}
	for _, s := range t.suites {
		for _, key := range s.keys() {
			x, err := t.index(ctx, s, key)
			if err != nil {
				return nil, err
			}
			for i := range x.entries {
				e := &x.entries[i]
				listed[e.filename] = poolFile{name: e.filename, index: s.name + "/" + indexDir(key.component, key.arch), size: e.size, sha256: e.sha256}
			}
		}
	}
	return listed, nil
}

// walkPublished lists the files under the root, without their digests.
func (t *Transaction) walkPublished(ctx context.Context) ([]walkedFile, error) {
	var files []walkedFile
	err := filepath.WalkDir(t.disk.root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(t.disk.root, name)
		if err != nil {
			return err
		}
		switch rel = filepath.ToSlash(rel); {
		case rel == ".", d.IsDir() && !strings.HasPrefix(d.Name(), "."):
			return ctx.Err()
		case strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular():
			return fmt.Errorf("%s: not a regular file", rel)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files = append(files, walkedFile{PublishedFile{Path: rel, Size: info.Size(), ModTime: info.ModTime()}, info})
		return nil
	})
	// WalkDir goes by the names within each directory, where "a.b" comes before "a" with what is in it.
	slices.SortFunc(files, func(a, b walkedFile) int { return strings.Compare(a.Path, b.Path) })
	return files, err
}

// digestPublished fills in the digests that are missing. A file that has several names is read once.
func (t *Transaction) digestPublished(ctx context.Context, files []walkedFile) error {
	type likeness struct {
		size int64
		at   time.Time
	}
	alike := map[likeness][]*walkedFile{}
	for i := range files {
		key := likeness{files[i].Size, files[i].ModTime}
		alike[key] = append(alike[key], &files[i])
	}
	workers, ctx := errgroup.WithContext(ctx)
	workers.SetLimit(runtime.GOMAXPROCS(0))
	for _, group := range alike {
		workers.Go(func() error {
			for _, f := range group {
				if f.SHA256 != "" {
					continue
				}
				same := slices.IndexFunc(group, func(g *walkedFile) bool { return g.SHA256 != "" && os.SameFile(f.info, g.info) })
				if same >= 0 {
					f.SHA256 = group[same].SHA256
					continue
				}
				digest, size, err := hashFile(ctx, t.disk.path(f.Path))
				if err != nil {
					return err
				}
				f.SHA256, f.Size = digest, size
			}
			return nil
		})
	}
	return workers.Wait()
}

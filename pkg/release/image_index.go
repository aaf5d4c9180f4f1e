package release

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"kubedist/pkg/hint"
	"kubedist/pkg/ledger"
	"kubedist/pkg/ocilayout"
)

// index names the images of all platforms: an index for each image, and the layout's own over these. Tarballs hold some of
// the images, which get no names by that.
func (r *run) index(ctx context.Context) error {
	if r.Selection.Until == Tars {
		return nil
	}
	var refs []ocilayout.Reference
	var paths []string
	for _, name := range r.imaged.names() {
		made := r.imaged.of(name)
		var images []v1.Descriptor
		for _, m := range made.images {
			hash, err := v1.NewHash("sha256:" + m.manifest.SHA256)
			if err != nil {
				return err
			}
			images = append(images, v1.Descriptor{MediaType: types.OCIManifestSchema1, Size: m.manifest.Size, Digest: hash})
		}
		written, err := r.layout.WriteIndex(ctx, images)
		if err != nil {
			return fmt.Errorf("image %s: %w", name, err)
		}
		refs = append(refs, ocilayout.Reference{Name: made.reference, Descriptor: written.Descriptor})
		paths = append(paths, written.Files...)
	}
	if len(refs) == 0 {
		return nil
	}
	if len(r.Selection.Images) > 0 {
		var err error
		if refs, err = r.besides(refs); err != nil {
			return err
		}
	}
	if err := r.layout.WriteRoot(ctx, refs); err != nil {
		return err
	}
	// What an earlier run made of other programs or bases is in no image any more.
	if _, err := r.layout.Prune(ctx); err != nil {
		return err
	}
	root := []string{filepath.Join(r.Dir(), imagesDir, "index.json"), filepath.Join(r.Dir(), imagesDir, "oci-layout")}
	files, err := r.recorded(ctx, "images", append(paths, root...))
	if err != nil {
		return err
	}
	for _, f := range files {
		r.artifacts.addBlob(f)
	}
	return nil
}

// besides adds the images that were made before, so that they keep their names.
func (r *run) besides(refs []ocilayout.Reference) ([]ocilayout.Reference, error) {
	before, err := r.layout.References()
	if errors.Is(err, fs.ErrNotExist) {
		return refs, nil
	}
	for _, ref := range before {
		if !slices.ContainsFunc(refs, func(made ocilayout.Reference) bool { return made.Name == ref.Name }) {
			refs = append(refs, ref)
		}
	}
	return refs, err
}

// checkFinished refuses to make images of a selection in the directory of a finished release, whose checksums hold what its
// images are.
func (r *run) checkFinished() error {
	if r.Selection.Until != Images || len(r.Selection.Images)+len(r.Selection.Platforms) == 0 {
		return nil
	}
	if _, err := os.Lstat(filepath.Join(r.Dir(), ManifestName)); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	return &SelectionError{hint.Errorf("make them in another directory with --out", "%s: a finished release, whose images are signed as they are", r.Dir())}
}

// recorded notes files of one step that are cheap to write again and were written again.
func (r *run) recorded(ctx context.Context, step string, paths []string) ([]ledger.File, error) {
	key := ledger.Key(step, paths)
	if files, ok := r.ledger.Fresh(ctx, step, key, paths...); ok {
		return files, nil
	}
	r.worked.Store(true)
	return r.ledger.Record(ctx, step, key, paths)
}

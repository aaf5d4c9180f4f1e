package release

import (
	"context"
	"fmt"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/image"
	"kubedist/pkg/imagebase"
	"kubedist/pkg/mirror"
	"kubedist/pkg/spec"
	"kubedist/pkg/tarball"
)

// baseKey names a base for a platform.
type baseKey struct{ name, platform string }

// imageBase is what images of a platform are built on.
type imageBase struct {
	digest   string           // of all that decides its bytes
	archive  *tarball.Archive // of one that is assembled of packages
	image    v1.Image         // of one that others have made
	packages []spec.Locked    // that the archive is of
	err      error            // why there is none, in a run that goes on after failures

	// What the layers of the image hold, read once.
	read     sync.Once
	contents *tarball.Archive
	readErr  error
}

// in puts the base into the layout of the release: as an image, or as the layers that are the lowest of one.
func (b *imageBase) in(ctx context.Context, r *run, platform string) (*image.Base, []image.Layer, error) {
	if b.image != nil {
		base, err := r.layout.Import(ctx, b.image)
		return base, nil, err
	}
	layer, err := r.layer(ctx, b.archive, undated, "base", platform, b.digest)
	if err != nil {
		return nil, nil, err
	}
	layer.CreatedBy = "kubedist: base of Debian packages"
	return nil, []image.Layer{layer}, nil
}

// tree is what the base unpacks to, as far as what is put on it has to know.
func (b *imageBase) tree(ctx context.Context, r *run, imported *image.Base) (*tarball.Archive, error) {
	if b.archive != nil {
		return b.archive, nil
	}
	b.read.Do(func() {
		if b.readErr = r.writers.Acquire(ctx, 1); b.readErr != nil {
			return
		}
		defer r.writers.Release(1)
		b.contents, b.readErr = r.layout.Contents(ctx, imported.Layers)
	})
	return b.contents, b.readErr
}

// openBases fetches what the images of the plan are built on, before anything is compiled.
func (r *run) openBases(ctx context.Context) error {
	r.bases = map[baseKey]*imageBase{}
	for _, p := range r.plan.Platforms {
		for _, i := range p.Images {
			key := baseKey{i.Spec.Base, p.Name}
			if key.name == "" || r.bases[key] != nil {
				continue
			}
			base, err := r.openBase(ctx, i.Spec.Base, p)
			if err != nil {
				err = fmt.Errorf("base of image %s for %s: %w", i.Name, p.Name, err)
				if !r.KeepGoing || ctx.Err() != nil {
					return err
				}
				base = &imageBase{err: err} // other platforms can be finished
			}
			r.bases[key] = base
		}
	}
	return nil
}

func (r *run) openBase(ctx context.Context, name string, p Platform) (*imageBase, error) {
	declared, _ := r.Spec.Base(name)
	on, _ := r.Spec.Platform(p.ID)
	content, err := imagebase.Fetch(ctx, imagebase.Options{
		Base: declared, Platform: on, Templates: r.Templates, CacheDir: r.CacheDir, Mirror: r.DebianMirror, Config: mirror.AptDir,
		Registry: r.Registry, Reporter: r.Reporter,
	})
	if err != nil {
		return nil, err
	}
	return &imageBase{archive: content.Archive, image: content.Image, packages: content.Packages, digest: content.Digest}, nil
}

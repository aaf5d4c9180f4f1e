package release

import (
	"context"
	"fmt"
	"io/fs"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/image"
	"kubedist/pkg/imagebase"
	"kubedist/pkg/ledger"
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
				return fmt.Errorf("image %s for %s: %w", i.Name, p.Name, err)
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
		Base: declared, Platform: on, Templates: r.Templates, CacheDir: r.CacheDir, Mirror: r.DebianMirror, Config: mirror.AptDir, Reporter: r.Reporter,
	})
	if err != nil {
		return nil, err
	}
	base := &imageBase{archive: content.Archive, image: content.Image, packages: content.Packages}
	if content.Image == nil {
		base.digest, err = r.baseDigest(declared, p)
		return base, err
	}
	digest, err := content.Image.Digest()
	base.digest = digest.String()
	return base, err
}

// baseDigest stands for all that decides what a base of packages holds.
func (r *run) baseDigest(b spec.Base, p Platform) (string, error) {
	parts := []any{"base", 1, b.Digest(p.Debian)}
	for _, f := range b.Files {
		text, err := fs.ReadFile(r.Templates, f.Template)
		if err != nil {
			return "", err
		}
		parts = append(parts, string(text))
	}
	return ledger.Key(parts...), nil
}

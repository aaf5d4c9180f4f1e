package release

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"kubedist/pkg/checksum"
	"kubedist/pkg/hint"
	"kubedist/pkg/image"
	"kubedist/pkg/ledger"
	"kubedist/pkg/spec"
	"kubedist/pkg/tarball"
)

// Where images lie in a release.
const (
	imagesDir    = "images"     // an OCI image layout with all of them
	imageTarsDir = "image-tars" // OS/ARCH/NAME.tar, for those who load one by one
)

// undated is the time of what belongs to no version of its own, and has to be the same bytes in every release.
var undated = time.Unix(0, 0).UTC()

// images makes the images of a platform, side by side.
func (r *run) images(ctx context.Context, p Platform, programs []built) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, planned := range p.Images {
		group.Go(func() error {
			if err := r.image(ctx, p, planned, programs); err != nil {
				return fmt.Errorf("image %s: %w", planned.Name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// imageParts is what one image is made of, and the key that stands for it.
type imageParts struct {
	base   *imageBase
	layers []imageLayer
	from   []string // paths of the programs inside
	time   time.Time
	key    string
}

// imageLayer is one file of an image.
type imageLayer struct {
	file      tarball.File
	digest    string
	from      string // path of the program in the release; "" of what is no program
	createdBy string
}

// image makes one image, unless it is there already: its blobs in the layout, and its tar.
func (r *run) image(ctx context.Context, p Platform, planned Image, programs []built) error {
	parts, err := r.imageParts(ctx, p, planned, programs)
	if err != nil {
		return err
	}
	step := "image " + p.Name + " " + planned.Name
	dest := filepath.Join(r.Dir(), filepath.FromSlash(imageTar(p, planned)))
	files, ok := r.ledger.Fresh(ctx, step, parts.key)
	if !ok {
		r.worked.Store(true)
		written, err := r.writeImage(ctx, p, planned, parts)
		if err != nil {
			return err
		}
		if err := r.writeFile(ctx, dest, func(w io.Writer) error {
			return r.layout.Tar(ctx, w, written.Descriptor, []string{p.archReference(planned), planned.Reference})
		}); err != nil {
			return err
		}
		if files, err = r.ledger.Record(ctx, step, parts.key, append(written.Files, dest)); err != nil {
			return err
		}
	}
	// The manifest and the tar come last.
	blobs, manifest, tar := files[:len(files)-1], files[len(files)-2], files[len(files)-1]
	for _, b := range blobs {
		r.artifacts.addBlob(b)
	}
	r.artifacts.add(Artifact{Kind: ImageTar, Name: planned.Name, Version: planned.Version, Platform: p.Name, Source: planned.Spec.Source, From: parts.from}, tar)
	r.imaged.add(p.Name, planned, madeImage{manifest: manifest, tar: tar})
	return nil
}

// imageTar is the path of an image's tar in the release.
func imageTar(p Platform, planned Image) string {
	return path.Join(imageTarsDir, p.ID.Dir(), planned.Name+".tar")
}

// archReference is what the official tars call the image of one platform.
func (p Platform) archReference(planned Image) string {
	tag := strings.TrimPrefix(planned.Reference, planned.Spec.Repository)
	return planned.Spec.Repository + "-" + p.ID.Arch + tag
}

// imageParts finds the files of an image.
func (r *run) imageParts(ctx context.Context, p Platform, planned Image, programs []built) (*imageParts, error) {
	tree := r.trees[planned.Spec.Source]
	parts := &imageParts{time: tree.Stamp.BuildDate}
	if source, _ := r.Spec.Source(planned.Spec.Source); source.Primary() && planned.Spec.Tag != nil {
		// Releases that have the same version of it have the same image.
		parts.time = undated
	}
	keys := []any{"image", 1, formats(), p.Platform.ID, planned, planned.Spec, parts.time.Unix()}
	if planned.Spec.Base != "" {
		parts.base = r.bases[baseKey{planned.Spec.Base, p.Name}]
		if parts.base.err != nil {
			return nil, parts.base.err
		}
		keys = append(keys, parts.base.digest)
	}
	for _, c := range planned.Spec.Contents {
		layers, err := r.imageContent(ctx, tree.Dir, c, programs)
		if err != nil {
			return nil, err
		}
		for _, l := range layers {
			keys = append(keys, l.digest)
			if l.from != "" {
				parts.from = append(parts.from, l.from)
			}
		}
		parts.layers = append(parts.layers, layers...)
	}
	parts.key = ledger.Key(keys...)
	return parts, nil
}

// imageContent finds the files that an entry of the specification puts into an image: more than one where it names a group
// of programs.
func (r *run) imageContent(ctx context.Context, tree string, c spec.ImageContent, programs []built) ([]imageLayer, error) {
	xattrs, err := image.Capabilities(c.Capabilities)
	if err != nil {
		return nil, err
	}
	if c.Tree != "" {
		source := filepath.Join(tree, filepath.FromSlash(c.Tree))
		sum, err := checksum.File(ctx, source)
		if err != nil {
			return nil, fmt.Errorf("%s of the source tree: %w", c.Tree, err)
		}
		return []imageLayer{newImageLayer(c, path.Base(c.Tree), 0o644, source, sum.SHA256, xattrs)}, nil
	}
	var layers []imageLayer
	for _, b := range programs {
		if b.program.Binary == c.Binary && !b.program.Tool {
			layer := newImageLayer(c, b.program.Name, 0o755, r.path(b.file), b.file.SHA256, xattrs)
			layer.from = b.file.Path
			layers = append(layers, layer)
		}
	}
	if len(layers) == 0 {
		return nil, fmt.Errorf("program %s was not built", c.Binary)
	}
	return layers, nil
}

func newImageLayer(c spec.ImageContent, name string, mode fs.FileMode, source, digest string, xattrs map[string]string) imageLayer {
	to := c.To
	if strings.HasSuffix(to, "/") {
		to += name
	}
	file := tarball.File{Name: strings.TrimPrefix(to, "/"), Mode: mode, Source: tarball.Path(source), Xattrs: xattrs}
	return imageLayer{file: file, digest: digest, createdBy: "kubedist: " + name + " at " + to}
}

// writeImage writes the layers of an image, those that no other image has written before, and its manifest.
func (r *run) writeImage(ctx context.Context, p Platform, planned Image, parts *imageParts) (image.Written, error) {
	out := image.Image{Platform: p.ID, Time: parts.time, Config: image.Config{
		Entrypoint: planned.Spec.Entrypoint, Cmd: planned.Spec.Command, User: planned.Spec.User, WorkingDir: planned.Spec.WorkingDir, Ports: planned.Spec.Ports,
	}}
	for _, variable := range planned.Spec.Environment {
		expanded, err := expand(variable, map[string]string{"OS": p.ID.OS, "Arch": p.ID.Arch, "Variant": p.ID.Variant})
		if err != nil {
			return image.Written{}, err
		}
		out.Config.Env = append(out.Config.Env, expanded)
	}
	if parts.base != nil {
		base, layers, err := parts.base.in(ctx, r, p.Name)
		if err != nil {
			return image.Written{}, fmt.Errorf("base %s: %w", planned.Spec.Base, err)
		}
		out.Base, out.Layers = base, layers
	}
	for _, l := range parts.layers {
		layer, err := r.layer(ctx, &tarball.Archive{Root: true, Files: []tarball.File{l.file}}, parts.time, p.Name, l.digest, l.file.Name, l.file.Mode, l.file.Xattrs)
		if err != nil {
			return image.Written{}, err
		}
		layer.CreatedBy = l.createdBy
		out.Layers = append(out.Layers, layer)
	}
	return r.layout.WriteImage(ctx, out)
}

// index names the images of all platforms: an index for each image, and the layout's own over these. Tarballs hold some of
// the images, which get no names by that.
func (r *run) index(ctx context.Context) error {
	if r.Selection.Until == Tars {
		return nil
	}
	var refs []image.Reference
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
		written, err := r.layout.WriteIndex(ctx, images, nil)
		if err != nil {
			return fmt.Errorf("image %s: %w", name, err)
		}
		refs = append(refs, image.Reference{Name: made.reference, Descriptor: written.Descriptor})
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
func (r *run) besides(refs []image.Reference) ([]image.Reference, error) {
	before, err := r.layout.References()
	if errors.Is(err, fs.ErrNotExist) {
		return refs, nil
	}
	for _, ref := range before {
		if !slices.ContainsFunc(refs, func(made image.Reference) bool { return made.Name == ref.Name }) {
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

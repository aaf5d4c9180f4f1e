package release

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"time"

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
	keys := []any{"image", 2, formats(), p.Platform.ID, planned, planned.Spec, parts.time.Unix()}
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
	below, baseDigest := &tarball.Archive{}, ""
	if parts.base != nil {
		base, layers, err := parts.base.in(ctx, r, p.Name)
		if err == nil {
			below, err = parts.base.tree(ctx, r, base)
		}
		if err != nil {
			return image.Written{}, fmt.Errorf("base %s: %w", planned.Spec.Base, err)
		}
		out.Base, out.Layers, baseDigest = base, layers, parts.base.digest
	}
	for _, l := range parts.layers {
		archive := &tarball.Archive{Root: true, Files: []tarball.File{l.file}}
		if err := archive.PutOn(below); err != nil {
			return image.Written{}, hint.With(err, "give it another place in the specification of the image: to")
		}
		layer, err := r.layer(ctx, archive, parts.time, p.Name, baseDigest, l.digest, l.file.Name, l.file.Mode, l.file.Xattrs)
		if err != nil {
			return image.Written{}, err
		}
		layer.CreatedBy = l.createdBy
		out.Layers = append(out.Layers, layer)
	}
	return r.layout.WriteImage(ctx, out)
}

package manifestlist

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"kubedist/pkg/hint"
	"kubedist/pkg/ocilayout"
	"kubedist/pkg/registry"
)

// The types of lists, as manifest-tool calls them.
const (
	Docker = "docker" // manifest list, Image Manifest Version 2, Schema 2
	OCI    = "oci"    // image index
)

// Options say how a list is made.
type Options struct {
	Type          string // Docker or OCI
	IgnoreMissing bool   // leave out images that the registry says it does not have
	Jobs          int    // images to look at at once
}

// List is a list that is ready to be pushed.
type List struct {
	Tags    []name.Tag // its name first
	Tree    *registry.Tree
	Missing []string // images that were left out
}

// Check tells what is wrong with a specification and the options that can be told without asking a registry: names that
// are none, and what the type of list has no place for.
func (s *Spec) Check(c *registry.Client, o Options) error {
	switch {
	case o.Type != Docker && o.Type != OCI:
		return fmt.Errorf("type %q: neither %s nor %s", o.Type, Docker, OCI)
	case o.Type == Docker && len(s.Annotations) > 0:
		return hint.Errorf("make an OCI index, with --type oci", "annotations %s: a Docker manifest list has none", strings.Join(s.names(), ", "))
	}
	if _, err := s.tags(c); err != nil {
		return err
	}
	for _, m := range s.Manifests {
		if _, err := c.Reference(m.Image); err != nil {
			return err
		}
	}
	return nil
}

// Assemble finds the images of a specification and makes the list of them, in the order of the specification. The context
// has to last until the list is pushed.
func Assemble(ctx context.Context, c *registry.Client, s *Spec, o Options) (*List, error) {
	if err := s.Check(c, o); err != nil {
		return nil, err
	}
	l := &List{}
	var err error
	if l.Tags, err = s.tags(c); err != nil {
		return nil, err
	}
	mediaType := types.OCIImageIndex
	if o.Type == Docker {
		mediaType = types.DockerManifestList
	}
	found, err := findAll(ctx, c, s, o)
	if err != nil {
		return nil, err
	}
	var images []*registry.Tree
	of := map[string]string{}
	for i, m := range s.Manifests {
		if found[i] == nil {
			l.Missing = append(l.Missing, m.Image)
		}
		for _, image := range found[i] {
			k := key(*image.Descriptor.Platform)
			if other, taken := of[k]; taken {
				return nil, fmt.Errorf("platform %s: is given by two images, %s and %s", image.Descriptor.Platform, other, m.Image)
			}
			of[k] = m.Image
			images = append(images, image)
		}
	}
	if len(images) == 0 {
		return nil, hint.Errorf("push the images first", "list %s: none of its images is in the registry: %s", s.Image, strings.Join(l.Missing, ", "))
	}
	l.Tree, err = index(mediaType, s.Annotations, images)
	return l, err
}

// tags are the list's name and what else it is to be called.
func (s *Spec) tags(c *registry.Client) ([]name.Tag, error) {
	first, err := c.Tag(s.Image)
	if err != nil {
		return nil, err
	}
	all := []name.Tag{first}
	seen := map[string]bool{first.TagStr(): true}
	for _, t := range s.Tags {
		tag, err := c.Tag(first.Context().String() + ":" + t)
		if err != nil {
			return nil, err
		}
		if !seen[t] {
			all = append(all, tag)
		}
		seen[t] = true
	}
	return all, nil
}

// findAll looks up all images side by side; what it returns is in the order of the specification.
func findAll(ctx context.Context, c *registry.Client, s *Spec, o Options) ([][]*registry.Tree, error) {
	found := make([][]*registry.Tree, len(s.Manifests))
	g, within := errgroup.WithContext(ctx)
	g.SetLimit(max(o.Jobs, 1))
	for i, m := range s.Manifests {
		g.Go(func() error {
			f := finder{ctx: within, lasting: ctx, client: c}
			images, err := f.find(m)
			if o.IgnoreMissing && registry.IsNotFound(err) && !errors.Is(err, errIncomplete) {
				return nil
			}
			found[i] = images
			return err
		})
	}
	return found, g.Wait()
}

// finder looks up images. Its own context ends when another image was not found; what is read later needs one that lasts.
type finder struct {
	ctx, lasting context.Context
	client       *registry.Client
}

// errIncomplete is a list in a registry that lacks one of its images: nothing to ignore.
var errIncomplete = errors.New("the list names an image that is not there")

// find looks up one image, or all those of a list that m names without a platform.
func (f finder) find(m Member) ([]*registry.Tree, error) {
	ref, err := f.client.Reference(m.Image)
	if err != nil {
		return nil, err
	}
	d, raw, err := f.client.Get(f.ctx, ref)
	if err != nil {
		return nil, err
	}
	asked := m.Platform.oci()
	if !d.MediaType.IsIndex() {
		image, err := f.image(ref, d, raw, asked)
		if err != nil {
			return nil, err
		}
		return []*registry.Tree{image}, nil
	}
	list, err := ocilayout.ParseIndex(raw, d.MediaType)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", ref, err)
	}
	picked, err := pick(list, asked)
	if err != nil {
		return nil, fmt.Errorf("image %s: %w", ref, err)
	}
	size := int64(0)
	for _, d := range picked { // ParseIndex bounds each
		size += d.Size
	}
	if size > ocilayout.MaxTree {
		return nil, fmt.Errorf("list %s: %w: manifests of %d bytes, more than %d", ref, ocilayout.ErrDocument, size, ocilayout.MaxTree)
	}
	var images []*registry.Tree
	for _, d := range picked {
		child := ref.Context().Digest(d.Digest.String())
		got, raw, err := f.client.Get(f.ctx, child)
		if registry.IsNotFound(err) {
			return nil, fmt.Errorf("list %s: %w: %w", ref, errIncomplete, err)
		}
		if err != nil {
			return nil, err
		}
		if got.Size != d.Size {
			return nil, fmt.Errorf("list %s: %w: manifest %s has %d bytes, and it says %d", ref, ocilayout.ErrDocument, d.Digest, got.Size, d.Size)
		}
		want, err := merge(asked, *d.Platform)
		if err != nil {
			return nil, fmt.Errorf("image %s: %w", child, err)
		}
		image, err := f.image(child, got, raw, want)
		if err != nil {
			return nil, err
		}
		images = append(images, image)
	}
	return images, nil
}

// image checks one image against the platform that it is to be listed for.
func (f finder) image(ref name.Reference, d v1.Descriptor, raw []byte, asked v1.Platform) (*registry.Tree, error) {
	t, m, err := f.client.Image(f.lasting, ref.Context(), d, raw)
	if err != nil {
		return nil, err
	}
	config, err := f.client.Config(f.ctx, ref.Context(), m.Config)
	if err != nil {
		return nil, err
	}
	p, err := merge(asked, v1.Platform{
		OS: config.OS, Architecture: config.Architecture, Variant: config.Variant, OSVersion: config.OSVersion, OSFeatures: config.OSFeatures,
	})
	if err != nil {
		return nil, hint.With(fmt.Errorf("image %s: %w", ref, err), "list it for what it is, or build and push the right one")
	}
	t.Descriptor = v1.Descriptor{MediaType: d.MediaType, Size: d.Size, Digest: d.Digest, Platform: &p}
	return t, nil
}

// index writes the list. The same images in the same order give the same bytes.
func index(mediaType types.MediaType, annotations map[string]string, images []*registry.Tree) (*registry.Tree, error) {
	m := v1.IndexManifest{SchemaVersion: 2, MediaType: mediaType, Annotations: annotations}
	for _, image := range images {
		m.Manifests = append(m.Manifests, image.Descriptor)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	digest, size, err := v1.SHA256(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	return registry.NewIndex(v1.Descriptor{MediaType: mediaType, Digest: digest, Size: size}, raw, images), nil
}

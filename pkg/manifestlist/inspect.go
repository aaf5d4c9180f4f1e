package manifestlist

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"kubedist/pkg/ocilayout"
	"kubedist/pkg/registry"
)

// Report is what a reference points at.
type Report struct {
	Reference   string            `json:"reference"`
	MediaType   string            `json:"mediaType"`
	Digest      v1.Hash           `json:"digest"`
	Length      int64             `json:"length"` // of the manifest or index, in bytes
	Annotations map[string]string `json:"annotations,omitempty"`
	Images      []Image           `json:"images"` // in the order of the index
	Raw         []byte            `json:"-"`
}

// Image is one image of a report.
type Image struct {
	Platform  string  `json:"platform"`
	MediaType string  `json:"mediaType"`
	Digest    v1.Hash `json:"digest"`
	Length    int64   `json:"length"` // of the manifest, in bytes
	Layers    int     `json:"layers"`
	Size      int64   `json:"size"` // of layers and configuration as they are transferred, in bytes
}

// Inspect reads what a reference points at, an index or a single image. With rawOnly only the bytes are read.
func Inspect(ctx context.Context, c *registry.Client, ref name.Reference, jobs int, rawOnly bool) (*Report, error) {
	d, raw, err := c.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	r := &Report{Reference: ref.String(), MediaType: string(d.MediaType), Digest: d.Digest, Length: d.Size, Raw: raw}
	if rawOnly {
		return r, nil
	}
	if !d.MediaType.IsIndex() {
		return r, r.single(ctx, c, ref, d)
	}
	list, err := ocilayout.ParseIndex(raw, d.MediaType)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", ref, err)
	}
	r.Annotations = list.Annotations
	r.Images = make([]Image, len(list.Manifests))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(jobs, 1))
	for i, d := range list.Manifests {
		g.Go(func() error {
			got, raw, err := c.Get(ctx, ref.Context().Digest(d.Digest.String()))
			if err != nil {
				return err
			}
			r.Images[i], _, err = image(ctx, c, ref.Context(), got, raw)
			if d.Platform != nil {
				r.Images[i].Platform = d.Platform.String()
			}
			return err
		})
	}
	return r, g.Wait()
}

// single is a report on an image that is no list; its configuration says what it is for.
func (r *Report) single(ctx context.Context, c *registry.Client, ref name.Reference, d v1.Descriptor) error {
	i, m, err := image(ctx, c, ref.Context(), d, r.Raw)
	if err != nil {
		return err
	}
	config, err := c.Config(ctx, ref.Context(), m.Config)
	if err != nil {
		return err
	}
	i.Platform = v1.Platform{OS: config.OS, Architecture: config.Architecture, Variant: config.Variant, OSVersion: config.OSVersion}.String()
	r.Annotations, r.Images = m.Annotations, []Image{i}
	return nil
}

// image counts an image.
func image(ctx context.Context, c *registry.Client, repo name.Repository, d v1.Descriptor, raw []byte) (Image, *v1.Manifest, error) {
	_, m, err := c.Image(ctx, repo, d, raw)
	if err != nil {
		return Image{}, nil, err
	}
	i := Image{MediaType: string(d.MediaType), Digest: d.Digest, Length: d.Size, Layers: len(m.Layers), Size: m.Config.Size}
	for _, layer := range m.Layers {
		i.Size += layer.Size
	}
	return i, m, nil
}

// Package image writes container images, image indices (manifest lists) and image layouts without a container engine. It
// knows the OCI image format specification 1.1 (https://github.com/opencontainers/image-spec), and of docker's image tars
// what makes `docker load` take them. It knows nothing about what is inside images, and does not talk to registries: an
// image from there comes as a v1.Image.
//
// A [Layout] is a directory. Layers, then images, then indices are written into it as blobs, whose bytes depend on nothing
// but what goes into them; [Layout.WriteRoot] gives them names in the end. What is there already is read and checked by
// package ocilayout.
package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"kubedist/pkg/hint"
	"kubedist/pkg/ocilayout"
	"kubedist/pkg/platform"
)

// Image is what an image is made of.
type Image struct {
	Platform platform.ID
	Time     time.Time // when it was made: that of its source. Cut to seconds.
	Base     *Base     // what lies below Layers; nil for nothing
	Layers   []Layer   // the lowest first
	Config   Config
}

// Written is an image or an index in a layout.
type Written struct {
	// Descriptor is how an index or a reference speaks of it. That of an image has a platform.
	v1.Descriptor
	// Files are the blobs that it consists of, the manifest last: an image's layers, the lowest first, its configuration and
	// its manifest; of an index, whose images were written before it, itself alone.
	Files []string
}

// WriteImage writes the configuration and the manifest of an image whose layers are in the layout. The same image gives
// the same digest.
func (l *Layout) WriteImage(ctx context.Context, img Image) (Written, error) {
	written, err := l.writeImage(ctx, img)
	if err != nil {
		return Written{}, fmt.Errorf("image of %s: %w", img.Platform, err)
	}
	return written, nil
}

func (l *Layout) writeImage(ctx context.Context, img Image) (Written, error) {
	config, layers, err := img.configFile()
	if err != nil {
		return Written{}, err
	}
	manifest := v1.Manifest{
		SchemaVersion: 2,
		MediaType:     types.OCIManifestSchema1,
	}
	for _, layer := range layers {
		if err := l.read().Has(layer.descriptor()); err != nil {
			return Written{}, fmt.Errorf("layer: %w", err)
		}
		manifest.Layers = append(manifest.Layers, layer.descriptor())
	}
	if manifest.Config, err = l.writeJSON(ctx, types.OCIConfigJSON, config); err != nil {
		return Written{}, fmt.Errorf("configuration: %w", err)
	}
	written := Written{Files: l.files(manifest)}
	if written.Descriptor, err = l.writeJSON(ctx, types.OCIManifestSchema1, manifest); err != nil {
		return Written{}, fmt.Errorf("manifest: %w", err)
	}
	written.Platform = config.Platform()
	written.Files = append(written.Files, l.Path(written.Digest))
	return written, nil
}

// configFile returns the image's configuration, and all its layers.
func (img Image) configFile() (*v1.ConfigFile, []Layer, error) {
	if err := img.check(); err != nil {
		return nil, nil, err
	}
	base := Base{}
	if img.Base != nil {
		base = *img.Base
	}
	made := v1.Time{Time: img.Time.UTC().Truncate(time.Second)}
	config := &v1.ConfigFile{
		Architecture: img.Platform.Arch,
		OS:           img.Platform.OS,
		Variant:      img.Platform.Variant,
		OSVersion:    base.Config.OSVersion,
		OSFeatures:   base.Config.OSFeatures,
		Created:      made,
		Config:       img.Config.onto(base.Config.Config),
		History:      base.history(),
		RootFS:       v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{}},
	}
	for _, layer := range img.Layers {
		config.History = append(config.History, v1.History{Created: made, CreatedBy: layer.CreatedBy})
	}
	layers := append(append([]Layer{}, base.Layers...), img.Layers...)
	for _, layer := range layers {
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, layer.DiffID)
	}
	return config, layers, nil
}

// check refuses an image that no one could run.
func (img Image) check() error {
	count := len(img.Layers)
	if img.Base != nil {
		count += len(img.Base.Layers)
	}
	switch {
	case img.Platform.OS == "" || img.Platform.Arch == "":
		return errors.New("its platform is not set")
	case img.Time.IsZero():
		return errors.New("its time is not set")
	case count == 0:
		return errors.New("it has no layers")
	case count > ocilayout.MaxLayers:
		return fmt.Errorf("it has %d layers, more than the %d that runtimes mount", count, ocilayout.MaxLayers)
	case img.Base != nil && plain(img.Base.platform()) != plain(img.Platform):
		return hint.Errorf("take a base that has an image of the platform", "its base is an image of %s", img.Base.platform())
	}
	return img.Config.check()
}

// files lists the blobs that an image's manifest refers to.
func (l *Layout) files(m v1.Manifest) []string {
	var files []string
	for _, layer := range m.Layers {
		files = append(files, l.Path(layer.Digest))
	}
	return append(files, l.Path(m.Config.Digest))
}

// writeJSON writes a document as a blob.
func (l *Layout) writeJSON(ctx context.Context, mediaType types.MediaType, document any) (v1.Descriptor, error) {
	data, err := json.Marshal(document)
	if err != nil {
		return v1.Descriptor{}, err
	}
	if len(data) > ocilayout.MaxDocument {
		return v1.Descriptor{}, fmt.Errorf("%d bytes, more than the %d that registries take", len(data), ocilayout.MaxDocument)
	}
	digest, err := l.ensureBytes(ctx, data)
	return v1.Descriptor{MediaType: mediaType, Size: int64(len(data)), Digest: digest}, err
}

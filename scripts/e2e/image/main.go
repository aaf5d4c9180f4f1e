// Image writes an OCI layout with one image of one static program for each platform, and an index over them: the workload
// that scripts/e2e-cluster runs.
//
//	image -layout DIR -name example.org/web:v1 linux/amd64=web-amd64 linux/arm64=web-arm64
package main

import (
	"archive/tar"
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func main() {
	dir := flag.String("layout", "", "directory of the layout")
	name := flag.String("name", "", "reference of the index")
	flag.Parse()
	if err := write(*dir, *name, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// write makes the layout from pairs PLATFORM=FILE.
func write(dir, name string, pairs []string) error {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, pair := range pairs {
		platform, file, _ := strings.Cut(pair, "=")
		p, err := v1.ParsePlatform(platform)
		if err != nil {
			return err
		}
		img, err := image(file, p)
		if err != nil {
			return fmt.Errorf("image for %s: %w", platform, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: p}})
	}
	l, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	return l.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": name}))
}

// image is the file as /web, started by nobody in particular.
func image(file string, p *v1.Platform) (v1.Image, error) {
	program, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	if err := w.WriteHeader(&tar.Header{Name: "web", Mode: 0o755, Size: int64(len(program))}); err != nil {
		return nil, err
	}
	if _, err := w.Write(program); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err = mutate.AppendLayers(img, static.NewLayer(layer.Bytes(), types.OCIUncompressedLayer))
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Variant = p.OS, p.Architecture, p.Variant
	config.Config = v1.Config{Entrypoint: []string{"/web"}, User: "65532:65532", WorkingDir: "/"}
	return mutate.ConfigFile(img, config)
}

// Command imagelayout writes an OCI image layout with one image, a list over platforms, for scripts that test registries.
//
//	imagelayout DIR NAME PLATFORM=PROGRAM...
//
// The image of each platform starts its program as /hello. $PAYLOAD is the size in bytes of one more layer of each, whose
// content is noise, and the same each time.
package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: imagelayout DIR NAME PLATFORM=PROGRAM...")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintf(os.Stderr, "imagelayout: %v\n", err)
		os.Exit(1)
	}
}

func run(dir, name string, programs []string) error {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for i, p := range programs {
		platform, file, _ := strings.Cut(p, "=")
		image, err := makeImage(platform, file, uint64(i))
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		config, err := image.ConfigFile()
		if err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: config.Platform()}})
	}
	l, err := layout.FromPath(dir)
	if err != nil {
		if l, err = layout.Write(dir, empty.Index); err != nil {
			return err
		}
	}
	return l.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": name}))
}

func makeImage(platform, program string, seed uint64) (v1.Image, error) {
	content, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	files := []struct {
		name    string
		content []byte
	}{{"etc/passwd", []byte("root:x:0:0:root:/:/bin/false\n")}, {"hello", content}}
	if size, err := strconv.Atoi(os.Getenv("PAYLOAD")); err == nil {
		noise := make([]byte, size)
		var key [32]byte
		key[0] = byte(seed)
		if _, err := rand.NewChaCha8(key).Read(noise); err != nil {
			return nil, err
		}
		files = append(files, struct {
			name    string
			content []byte
		}{"payload", noise})
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for _, f := range files {
		layer, err := makeLayer(f.name, f.content)
		if err != nil {
			return nil, err
		}
		if image, err = mutate.AppendLayers(image, layer); err != nil {
			return nil, err
		}
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	p, err := v1.ParsePlatform(platform)
	if err != nil {
		return nil, err
	}
	config.OS, config.Architecture, config.Variant = p.OS, p.Architecture, p.Variant
	config.Config.Entrypoint = []string{"/hello"}
	return mutate.ConfigFile(image, config)
}

func makeLayer(name string, content []byte) (v1.Layer, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}); err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil }, tarball.WithMediaType(types.OCILayer))
}

package registry_test

import (
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// manifests lists the images of an index.
func manifests(t testing.TB, index v1.ImageIndex) []v1.Image {
	t.Helper()
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var all []v1.Image
	for _, d := range m.Manifests {
		image, err := index.Image(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, image)
	}
	return all
}

// find returns the file of kube-proxy's list, or of a manifest, configuration or layer of it.
func find(t testing.TB, dir, kind string) string {
	t.Helper()
	root, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := root.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range m.Manifests {
		if d.Annotations["org.opencontainers.image.ref.name"] != "registry.k8s.io/kube-proxy:v1.36.3" {
			continue
		}
		index, err := root.ImageIndex(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		image := manifests(t, index)[1]
		digest, err := image.Digest()
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := image.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		of := map[string]v1.Hash{"list": d.Digest, "manifest": digest, "config": manifest.Config.Digest, "layer": manifest.Layers[1].Digest}
		return filepath.Join(dir, "blobs", "sha256", of[kind].Hex)
	}
	t.Fatal("no kube-proxy")
	return ""
}

package image_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"kubedist/pkg/image"
	"kubedist/pkg/ocilayout"
)

// dockerImage is an image of docker's media types, as a registry would give it.
func dockerImage(t *testing.T, change func(*v1.ConfigFile)) v1.Image {
	t.Helper()
	img, err := random.Image(500, 2)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Variant = "linux", "arm64", "v8"
	config.Config = v1.Config{
		Entrypoint: []string{"/bin/base"}, Cmd: []string{"arg"}, Env: []string{"PATH=/bin", "LANG=C"}, User: "1", StopSignal: "SIGINT",
		WorkingDir: "/base", ExposedPorts: map[string]struct{}{"1/tcp": {}}, Labels: map[string]string{"base": "1"},
		OnBuild: []string{"RUN x"}, Hostname: "builder",
	}
	if change != nil {
		change(config)
	}
	img, err = mutate.ConfigFile(img, config)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// onBase writes an image on a base and reads it back.
func onBase(t *testing.T, from v1.Image, config image.Config) (*v1.ConfigFile, *v1.Manifest) {
	t.Helper()
	l := image.NewLayout(t.TempDir())
	base, err := l.Import(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	written, err := l.WriteImage(t.Context(), image.Image{
		Platform: id(t, "linux/arm64"), Time: stamp, Base: base, Layers: []image.Layer{layerOf(t, l, "x")}, Config: config,
	})
	if err != nil {
		t.Fatal(err)
	}
	img, err := ocilayout.Layout(l.Dir()).Image(written.Descriptor)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(img); err != nil {
		t.Error(err)
	}
	file, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	return file, manifest
}

// The base's layers come first, its configuration is inherited as after FROM.
func TestBase(t *testing.T) {
	t.Parallel()
	from := dockerImage(t, nil)
	layers, err := from.Layers()
	if err != nil {
		t.Fatal(err)
	}
	file, manifest := onBase(t, from, image.Config{
		Entrypoint: []string{"/program"}, Env: []string{"LANG=de", "A=1"}, Ports: []string{"2"},
	})
	if len(manifest.Layers) != 3 || len(file.History) != 3 || file.History[2].CreatedBy != "program x" {
		t.Fatalf("layers %v, history %v", manifest.Layers, file.History)
	}
	for i, layer := range layers {
		if want, _ := layer.Digest(); manifest.Layers[i].Digest != want || manifest.Layers[i].MediaType != types.OCILayer {
			t.Errorf("layer %d is %v, want %v", i, manifest.Layers[i], want)
		}
	}
	c := file.Config
	if !slices.Equal(c.Entrypoint, []string{"/program"}) || c.Cmd != nil || c.User != "1" || c.WorkingDir != "/base" || c.StopSignal != "SIGINT" {
		t.Errorf("configuration %+v", c)
	}
	if !slices.Equal(c.Env, []string{"PATH=/bin", "LANG=de", "A=1"}) {
		t.Errorf("environment %q", c.Env)
	}
	if !maps.Equal(c.Labels, map[string]string{"base": "1"}) || len(c.ExposedPorts) != 2 {
		t.Errorf("labels %v, ports %v", c.Labels, c.ExposedPorts)
	}
	if c.OnBuild != nil || c.Hostname != "" || file.Variant != "" || !file.Created.Equal(stamp.Truncate(1e9)) {
		t.Errorf("inherited too much: %+v", file)
	}

	file, _ = onBase(t, from, image.Config{Cmd: []string{"other"}, User: "2", WorkingDir: "/"})
	c = file.Config
	if !slices.Equal(c.Entrypoint, []string{"/bin/base"}) || !slices.Equal(c.Cmd, []string{"other"}) || c.User != "2" || c.WorkingDir != "/" {
		t.Errorf("configuration %+v", c)
	}

	// A history that does not fit the layers is not passed on.
	file, _ = onBase(t, dockerImage(t, func(c *v1.ConfigFile) { c.History = c.History[:1] }), image.Config{})
	if len(file.History) != 3 || file.History[1].CreatedBy != "base" {
		t.Errorf("history %v", file.History)
	}
}

func TestBaseOfAnotherPlatform(t *testing.T) {
	t.Parallel()
	l := image.NewLayout(t.TempDir())
	base, err := l.Import(t.Context(), dockerImage(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.WriteImage(t.Context(), image.Image{Platform: id(t, "linux/amd64"), Time: stamp, Base: base})
	if err == nil || !strings.Contains(err.Error(), "image of linux/amd64: its base is an image of linux/arm64/v8") {
		t.Errorf("error %v", err)
	}
}

func TestImportRefuses(t *testing.T) {
	t.Parallel()
	foreign, err := mutate.AppendLayers(empty.Image, static.NewLayer([]byte("x"), types.DockerForeignLayer))
	if err != nil {
		t.Fatal(err)
	}
	for want, img := range map[string]v1.Image{
		"may not be passed on":                           foreign,
		"2 layers, and a configuration that speaks of 1": dockerImage(t, func(c *v1.ConfigFile) { c.RootFS.DiffIDs = c.RootFS.DiffIDs[:1] }),
		"damaged": liar{dockerImage(t, nil)},
	} {
		l := image.NewLayout(t.TempDir())
		if _, err := l.Import(t.Context(), img); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
		if left := tree(t, l.Dir()); len(left) != 0 {
			t.Errorf("%s: left %v", want, slices.Collect(maps.Keys(left)))
		}
	}
}

// A liar has other layers than its manifest says.
type liar struct{ v1.Image }

func (liar) LayerByDigest(v1.Hash) (v1.Layer, error) {
	return static.NewLayer([]byte("something else"), types.DockerLayer), nil
}

// A base out of another layout.
func TestImportOfLayout(t *testing.T) {
	t.Parallel()
	other := image.NewLayout(t.TempDir())
	img, err := ocilayout.Layout(other.Dir()).Image(imageOf(t, other, "linux/arm/v7").Descriptor)
	if err != nil {
		t.Fatal(err)
	}
	base, err := image.NewLayout(t.TempDir()).Import(t.Context(), img)
	if err != nil || len(base.Layers) != 2 || base.Config.Variant != "v7" {
		t.Errorf("base %+v: %v", base, err)
	}
}

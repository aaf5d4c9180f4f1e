package release

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"kubedist/pkg/image"
	"kubedist/pkg/ocilayout"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/spec"
	"kubedist/pkg/tarball"
)

// imagesOfSmall is a release of the small trees with images. Their bases, which the network has, are left out.
func imagesOfSmall(t *testing.T, signer openpgp.Signer, platforms ...string) Options {
	t.Helper()
	o := smallRelease(t, signer, platforms...)
	o.Selection.NoImages, o.Archive = false, nil
	o.Sources["etcd"], o.Sources["coredns"] = smallTree("etcd"), smallTree("coredns")
	for i := range o.Spec.Images {
		o.Spec.Images[i].Base = ""
	}
	return o
}

// TestImages makes the images of three platforms, twice in different places.
func TestImages(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	platforms := []string{"linux/amd64", "linux/arm/v7", "linux/s390x"}
	o := imagesOfSmall(t, key, platforms...)
	result := mustRun(t, o)
	verified, err := Verify(t.Context(), o.Dir(), VerifyOptions{Keyring: []*openpgp.Certificate{key.Public()}, Spec: o.Spec, Now: epoch, Jobs: 2})
	if err != nil || len(verified.Findings) > 0 {
		t.Fatalf("verifying: %v, %+v", err, verified)
	}
	root, err := layout.ImageIndexFromPath(filepath.Join(o.Dir(), "images"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(root); err != nil {
		t.Error(err)
	}
	var list bytes.Buffer
	for _, a := range result.Artifacts {
		if a.Kind == ImageTar {
			fmt.Fprintf(&list, "%s %s from %s\n", a.Path, a.Version, strings.Join(a.From, " "))
		}
	}
	golden(t, "images.txt", list.Bytes())
	golden(t, "tarballs/kubernetes-server-linux-arm.tar.gz.txt", tarballListing(t, filepath.Join(o.Dir(), "tarballs", "kubernetes-server-linux-arm.tar.gz")))
	if again := mustRun(t, o); !again.UpToDate {
		t.Error("the second run found something to do")
	}

	other := imagesOfSmall(t, key, platforms...)
	mustRun(t, other)
	for _, name := range []string{"SHA256SUMS", "images/index.json"} {
		one, err := os.ReadFile(filepath.Join(o.Dir(), name))
		if err != nil {
			t.Fatal(err)
		}
		two, err := os.ReadFile(filepath.Join(other.Dir(), name))
		if err != nil || !bytes.Equal(one, two) {
			t.Errorf("%s differs between two places: %v", name, err)
		}
	}
}

// TestImagesAlone makes images and nothing else, of those that are selected.
func TestImagesAlone(t *testing.T) {
	t.Parallel()
	o := imagesOfSmall(t, nil, "linux/arm/v7")
	o.Selection.Until, o.Selection.Images = Images, []string{"etcd", "pause"}
	result := mustRun(t, o)
	var got []string
	for _, a := range result.Artifacts {
		if a.Kind != Blob {
			got = append(got, a.Path)
		}
	}
	want := "bin/linux/armv7/etcd bin/linux/armv7/etcdctl bin/linux/armv7/etcdutl bin/linux/armv7/pause image-tars/linux/armv7/etcd.tar image-tars/linux/armv7/pause.tar"
	if strings.Join(got, " ") != want {
		t.Errorf("made %v, want %v", got, want)
	}

	// Another image joins them.
	o.Selection.Images = []string{"coredns"}
	mustRun(t, o)
	refs, err := ocilayout.Layout(filepath.Join(o.Dir(), "images")).References()
	if err != nil {
		t.Fatal(err)
	}
	got = nil
	for _, ref := range refs {
		got = append(got, ref.Name)
	}
	if want := "registry.k8s.io/coredns/coredns:v1.14.2 registry.k8s.io/etcd:3.6.8-0 registry.k8s.io/pause:3.10.2"; strings.Join(got, " ") != want {
		t.Errorf("the layout names %v, want %v", got, want)
	}
}

// TestCoverage refuses a release that lacks an image which its kubeadm will pull.
func TestCoverage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*spec.Spec)
		want   string
	}{
		"image not declared": {func(s *spec.Spec) { s.Images = s.Images[:len(s.Images)-2] }, "image registry.k8s.io/coredns/coredns:v1.14.2: kubeadm will pull it"},
		"other tag": {func(s *spec.Spec) {
			for i := range s.Images {
				if s.Images[i].Name == "etcd" {
					s.Images[i].Tag = nil
				}
			}
		}, "image registry.k8s.io/etcd:3.6.8-0: kubeadm will pull it"},
		"not where registries of others have it": {func(s *spec.Spec) {
			for i := range s.Images {
				s.Images[i].Also = nil
			}
		}, "image registry.example.org/coredns:v1.14.2: kubeadm will pull it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := imagesOfSmall(t, nil, "linux/amd64")
			o.Selection.Until = Images
			c.change(o.Spec)
			_, err := Run(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if _, err := os.Stat(filepath.Join(o.Dir(), "images", "index.json")); err == nil {
				t.Error("images have names all the same")
			}
		})
	}
}

// TestImageBases builds images on one that others have made, below the links of which their files come to lie, and makes
// them anew when it becomes another.
func TestImageBases(t *testing.T) {
	t.Parallel()
	o := imagesOfSmall(t, nil, "linux/amd64")
	o.Selection.Until, o.Selection.Images = Images, []string{"coredns"}
	base := func(text string) spec.Base {
		l := image.NewLayout(filepath.Join(t.TempDir(), "base"))
		files := &tarball.Archive{Root: true, Files: []tarball.File{
			{Name: "bin", Link: "usr/bin"}, {Name: "usr/bin", Dir: true}, {Name: "etc/motd", Source: tarball.Bytes(text)},
		}}
		layer, err := l.WriteLayer(t.Context(), files, tarball.Options{Time: epoch})
		if err != nil {
			t.Fatal(err)
		}
		id := o.Selection.Platforms[0]
		written, err := l.WriteImage(t.Context(), image.Image{Platform: id, Time: epoch, Layers: []image.Layer{layer}, Config: image.Config{Env: []string{"OF=" + text}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.WriteRoot(t.Context(), []ocilayout.Reference{{Name: "example.org/base:1", Descriptor: written.Descriptor}}); err != nil {
			t.Fatal(err)
		}
		return spec.Base{Name: "others", Layout: l.Dir() + "@" + written.Digest.String()}
	}
	for i := range o.Spec.Images {
		if o.Spec.Images[i].Name == "coredns" {
			o.Spec.Images[i].Base = "others"
			o.Spec.Images[i].Contents = []spec.ImageContent{{Binary: "coredns", To: "/bin/"}}
		}
	}
	for _, text := range []string{"one", "two"} {
		o.Spec.Bases = []spec.Base{base(text)}
		mustRun(t, o)
		l := ocilayout.Layout(filepath.Join(o.Dir(), "images"))
		refs, err := l.References()
		if err != nil || len(refs) != 1 {
			t.Fatalf("references %v: %v", refs, err)
		}
		tree, err := l.Tree(refs[0].Descriptor)
		if err != nil {
			t.Fatal(err)
		}
		img, err := l.Image(tree.Images[0].Descriptor)
		if err != nil {
			t.Fatal(err)
		}
		config, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if len(config.RootFS.DiffIDs) != 2 || !slices.Contains(config.Config.Env, "OF="+text) {
			t.Errorf("with base %s: %d layers, environment %v", text, len(config.RootFS.DiffIDs), config.Config.Env)
		}
		if names := unpacked(t, img); !slices.Contains(names, "usr/bin/coredns") || !slices.Contains(names, "bin") {
			t.Errorf("with base %s: files %q", text, names)
		}
	}

	o.Spec.Images[slices.IndexFunc(o.Spec.Images, func(i spec.Image) bool { return i.Name == "coredns" })].Contents[0].To = "/etc/motd/coredns"
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), `"etc/motd" is no directory`) {
		t.Errorf("below a file: error %v", err)
	}
}

// unpacked lists what is in an image.
func unpacked(t *testing.T, img v1.Image) []string {
	t.Helper()
	content := mutate.Extract(img)
	defer content.Close()
	var names []string
	for r := tar.NewReader(content); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, strings.TrimSuffix(header.Name, "/"))
	}
}

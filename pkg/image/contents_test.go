package image_test

import (
	"archive/tar"
	"bytes"
	"io"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"kubedist/pkg/image"
)

// layerOfEntries is a layer of entries "NAME/" for directories, "NAME -> TARGET" for links and "NAME" for files.
func layerOfEntries(t *testing.T, entries ...string) v1.Layer {
	t.Helper()
	var data bytes.Buffer
	w := tar.NewWriter(&data)
	for _, e := range entries {
		header := &tar.Header{Name: e, Mode: 0o755, Typeflag: tar.TypeReg}
		if name, target, ok := strings.Cut(e, " -> "); ok {
			header = &tar.Header{Name: name, Linkname: target, Typeflag: tar.TypeSymlink}
		} else if strings.HasSuffix(e, "/") {
			header.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data.Bytes())), nil
	}, tarball.WithMediaType(types.DockerLayer))
	if err != nil {
		t.Fatal(err)
	}
	return layer
}

func TestContents(t *testing.T) {
	t.Parallel()
	img, err := mutate.AppendLayers(empty.Image,
		layerOfEntries(t, "./bin -> usr/bin", "usr/", "usr/bin/", "usr/bin/awk", "etc/a/b", "etc/c", "opt/x/y", "opt/z", "var/", "var/x", "srv/d/", "srv/d/e", "app/bin -> usr/bin", "app/old"),
		layerOfEntries(t, "etc/.wh.a", "opt/x/.wh..wh..opq", "opt/x/new", "usr/bin/mawk", "var -> srv", "srv/d/", ".wh.app", "app/", "app/new"),
	)
	if err != nil {
		t.Fatal(err)
	}
	l := image.NewLayout(t.TempDir())
	base, err := l.Import(t.Context(), img)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := l.Contents(t.Context(), base.Layers)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range tree.Files {
		switch {
		case f.Dir:
			got = append(got, f.Name+"/")
		case f.Link != "":
			got = append(got, f.Name+" -> "+f.Link)
		default:
			got = append(got, f.Name)
		}
	}
	want := "app/, app/new, bin -> usr/bin, etc/c, opt/x/new, opt/z, srv/d/, srv/d/e, usr/, usr/bin/, usr/bin/awk, usr/bin/mawk, var -> srv"
	if strings.Join(got, ", ") != want {
		t.Errorf("%s\nwant %s", strings.Join(got, ", "), want)
	}
}

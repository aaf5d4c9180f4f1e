package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"kubedist/pkg/ocilayout"
	"kubedist/pkg/tarball"
)

// What is read of the layers of others: many times what images have.
const (
	maxTreeEntries = 1_000_000
	maxTreeBytes   = 100 << 30
)

// What a layer says about the layers below it (filesystem layer specification of OCI, "Whiteouts").
const (
	whiteout = ".wh."         // before the name of what is not there any more
	opaque   = ".wh..wh..opq" // in a directory of which nothing is there any more
)

// Contents is what layers of the layout unpack to, the lowest first: directories with their modes and owners, links with their targets,
// and that there are files. The files have no contents. It is for [tarball.Archive.PutOn].
func (l *Layout) Contents(ctx context.Context, layers []Layer) (*tarball.Archive, error) {
	t := tree{}
	for _, layer := range layers {
		if err := l.unpack(ctx, layer, t); err != nil {
			return nil, fmt.Errorf("layer %s: %w", layer.Digest, err)
		}
	}
	archive := &tarball.Archive{Root: true, Files: slices.Collect(maps.Values(t))}
	archive.Sort()
	return archive, nil
}

// unpack puts the entries of a layer over those of the layers before it.
func (l *Layout) unpack(ctx context.Context, layer Layer, t tree) error {
	content, err := partial.CompressedToLayer(compressed{ctx, l, layer})
	if err != nil {
		return err
	}
	r, err := content.Uncompressed()
	if err != nil {
		return err
	}
	defer r.Close()
	tr := tar.NewReader(io.LimitReader(r, maxTreeBytes))
	upper, gone := tree{}, map[string]bool{} // gone are names of lower layers; with a final slash, what is below them
	for {
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path.Clean("/"+header.Name), "/")
		switch dir, base := path.Split(name); {
		case base == opaque:
			gone[dir] = true
		case strings.HasPrefix(base, whiteout):
			gone[dir+strings.TrimPrefix(base, whiteout)] = true
		case base != "":
			upper[name] = entry(name, header)
			if !upper[name].Dir {
				gone[name] = true
			}
		}
		if len(t)+len(upper)+len(gone) > maxTreeEntries {
			return fmt.Errorf("more than %d entries", maxTreeEntries)
		}
	}
	maps.DeleteFunc(t, func(name string, _ tarball.File) bool { return isGone(gone, name) })
	maps.Copy(t, upper)
	return nil
}

// isGone reports whether a name, or a directory that it is in, is among those.
func isGone(gone map[string]bool, name string) bool {
	for at := name; at != ""; at = strings.TrimSuffix(at, "/") {
		if gone[at] {
			return true
		}
		if at, _ = path.Split(at); gone[at] {
			return true
		}
	}
	return false
}

func entry(name string, header *tar.Header) tarball.File {
	switch header.Typeflag {
	case tar.TypeDir:
		return tarball.File{Name: name, Dir: true, Mode: header.FileInfo().Mode() &^ fs.ModeDir, UID: header.Uid, GID: header.Gid}
	case tar.TypeSymlink:
		return tarball.File{Name: name, Link: header.Linkname}
	}
	return tarball.File{Name: name, Source: tarball.Bytes(nil)}
}

// tree is the entries of a root file system by their names. Directories that only other names speak of have none.
type tree map[string]tarball.File

// compressed is a layer of the layout as readers of the library want it. Its bytes come until ctx ends.
type compressed struct {
	ctx    context.Context
	layout *Layout
	layer  Layer
}

func (c compressed) Digest() (v1.Hash, error)            { return c.layer.Digest, nil }
func (c compressed) Size() (int64, error)                { return c.layer.Size, nil }
func (c compressed) MediaType() (types.MediaType, error) { return c.layer.MediaType, nil }
func (c compressed) Compressed() (io.ReadCloser, error) {
	blob, err := ocilayout.Layout(c.layout.dir).Blob(c.layer.descriptor())
	return contextReader{c.ctx, blob}, err
}

// contextReader ends with an error when ctx ends, however long an entry is that is skipped.
type contextReader struct {
	ctx context.Context
	io.ReadCloser
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.ReadCloser.Read(p)
}

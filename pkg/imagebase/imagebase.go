// Package imagebase makes what lies below the programs in a container image, as a [spec.Base] declares it: files of Debian
// packages, or an image that is there already, in an image layout or in a registry.
//
// Packages are unpacked into the cache, each checked by the digest that the specification has of it, and none of their
// scripts is run: what scripts would have made that matters stands in the specification too, as bundles, files and links.
// The same base is the same archive on any machine. The package knows nothing of the image that is built on it, and of
// images that are there already it takes no layer: it checks what describes them.
package imagebase

import (
	"context"
	"fmt"
	"io/fs"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/hint"
	"kubedist/pkg/progress"
	"kubedist/pkg/registry"
	"kubedist/pkg/spec"
	"kubedist/pkg/tarball"
)

// Options say which base to make, for what, and from where.
type Options struct {
	Base     spec.Base
	Platform spec.Platform
	// Templates holds the files that a base of packages names.
	Templates fs.FS
	// CacheDir is where bases of packages are kept, in its subdirectory "bases".
	CacheDir string
	// Mirror is the URL of a Debian mirror; "" takes the one that apt uses whose configuration lies in Config.
	Mirror, Config string
	// Registry talks to the registry of a reference; nil for a client without options.
	Registry *registry.Client
	// Reporter hears of packages being fetched; nil for nobody.
	Reporter progress.Reporter
}

// Content is a base for one platform. Exactly one of Archive and Image is set.
type Content struct {
	// Archive holds the files of packages. Their contents lie in the cache, and are read when the archive is written. No
	// file has a time: [tarball.Options] give them one.
	Archive *tarball.Archive
	// Dir is the directory of these files, absolute. It is to be read, and never to be written to.
	Dir string
	// Packages are those that the files are from, sorted by architecture and name.
	Packages []spec.Locked

	// Digest stands for all that decides what the base holds.
	Digest string

	// Image is an image that was there already, of the platform. Its manifest and configuration are checked; who reads a
	// layer to its end learns whether it was the one. Those in a registry are fetched then, in the context of Fetch.
	Image v1.Image
}

// Fetch returns a base for a platform. What the cache does not have of packages is fetched; when ctx ends, or the process
// does, packages that were fetched stay, and the next Fetch goes on from there. An image in a registry is read as far as
// its manifest and configuration. Errors that the user can do something about carry a hint.
func Fetch(ctx context.Context, o Options) (*Content, error) {
	if o.Base.Packed() {
		return assemble(ctx, o)
	}
	img, err := existing(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("base %s: %w", o.Base.Name, err)
	}
	digest, err := img.Digest()
	if err != nil {
		return nil, fmt.Errorf("base %s: %w", o.Base.Name, err)
	}
	return &Content{Image: img, Digest: digest.String()}, nil
}

// existing finds the image of a layout or a registry.
func existing(ctx context.Context, o Options) (v1.Image, error) {
	text := o.Base.Layout + o.Base.Reference
	where, digest, ok := spec.Pinned(text)
	if !ok {
		return nil, hint.Errorf("add @sha256: and the digest of what is there", "%q names no digest", text)
	}
	want, err := v1.NewHash(digest)
	if err != nil {
		return nil, err
	}
	if o.Base.Layout != "" {
		return fromLayout(where, want, o.Platform.ID)
	}
	return fromRegistry(ctx, o.Registry, where, want, o.Platform.ID)
}

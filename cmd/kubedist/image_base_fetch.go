package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"kubedist/pkg/hint"
	"kubedist/pkg/imagebase"
	"kubedist/pkg/mirror"
	"kubedist/pkg/platform"
	"kubedist/pkg/spec"
	"kubedist/pkg/tarball"
)

// imageBaseFetchOptions are the flags of image base fetch.
type imageBaseFetchOptions struct {
	specs     specOptions
	mirror    mirrorOptions
	registry  registryOptions
	show      showOptions
	platforms []string
}

func newImageBaseFetchCommand(env *environment) *cobra.Command {
	o := &imageBaseFetchOptions{}
	cmd := &cobra.Command{
		Use:   "fetch NAME",
		Short: "Make a base in the cache, and show what is in it",
		Long: `Fetches the packages of a base for one platform or several, checks them against the SHA-256 of the specification, and
unpacks them into the cache. What is there is not fetched again, also after a fetch that was stopped. Packages that a mirror
has dropped are on those of Debian's snapshot archive: name one with --debian-mirror. Of a base that is an image already,
manifest and configuration are checked.

Prints where the files are, the packages that they are from, and the SHA-256 of the layer that they make when all are dated
1970-01-01: it is the same on every machine. Nothing may be written there: images are made of it for as long as it is in the
cache.

` + registryHelp + `

Exit status: 0 done, 1 failed, 2 bad option or input.`,
		Example: `  kubedist image base fetch iptables --platform linux/arm64,linux/s390x`,
		Args:    oneArg("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runImageBaseFetch(cmd.Context(), env, o, args[0])
		},
	}
	o.specs.addFlags(cmd)
	o.mirror.addFlags(cmd)
	o.registry.addAccessFlags(cmd.Flags())
	o.show.addFlags(cmd)
	cmd.Flags().StringSliceVar(&o.platforms, "platform", nil, "platforms to make it for (default: all nodes and servers)")
	return cmd
}

// fetchedBase is what fetch says of a base for one platform.
type fetchedBase struct {
	Base     string           `json:"base"`
	Platform string           `json:"platform"`
	Dir      string           `json:"dir,omitempty"`
	Files    int              `json:"files,omitempty"` // with links, without directories
	Bytes    int64            `json:"bytes"`           // of files; of an image, of its packed layers
	Packages []fetchedPackage `json:"packages,omitempty"`
	Digest   string           `json:"digest"`           // of an image's manifest; of packages the layer's
	Packed   int64            `json:"packed,omitempty"` // bytes of that layer
}

// fetchedPackage is one package of a base.
type fetchedPackage struct {
	Package      string `json:"package"`
	Version      string `json:"version"`
	Architecture string `json:"architecture"`
	Bytes        int64  `json:"bytes"` // packed
}

func runImageBaseFetch(ctx context.Context, env *environment, o *imageBaseFetchOptions, name string) error {
	s, texts, err := o.specs.load()
	if err != nil {
		return usageError(err)
	}
	b, err := baseOf(s, name)
	if err != nil {
		return err
	}
	platforms, err := basePlatforms(s, o.platforms)
	if err != nil {
		return err
	}
	if err := o.mirror.check(); err != nil {
		return err
	}
	client, err := o.registry.openForBases(env, b)
	if err != nil {
		return err
	}
	view, err := o.show.open(env)
	if err != nil {
		return err
	}
	var done []fetchedBase
	for _, p := range platforms {
		var content *imagebase.Content
		content, err = imagebase.Fetch(ctx, imagebase.Options{
			Base: b, Platform: p, Templates: texts, CacheDir: env.CacheDir, Mirror: o.mirror.url, Config: mirror.AptDir, Registry: client, Reporter: view,
		})
		if err != nil {
			break
		}
		var d fetchedBase
		if d, err = describeBase(ctx, b, p, content); err != nil {
			break
		}
		done = append(done, d)
	}
	if closeErr := view.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return o.show.result(env, done, func(w io.Writer) { printBases(w, done) })
}

// basePlatforms returns the platforms of these names; without names those that images run on.
func basePlatforms(s *spec.Spec, names []string) ([]spec.Platform, error) {
	var list []spec.Platform
	for _, text := range names {
		id, err := platform.Parse(text)
		if err != nil {
			return nil, usageError(err)
		}
		p, ok := s.Platform(id)
		if !ok {
			return nil, usageError(hint.Errorf("specs/platforms.yaml has those that there are", "platform %s is not declared", id))
		}
		list = append(list, p)
	}
	if len(names) > 0 {
		return list, nil
	}
	for _, p := range s.Platforms {
		if runsImages(p) {
			list = append(list, p)
		}
	}
	return list, nil
}

func describeBase(ctx context.Context, b spec.Base, p spec.Platform, c *imagebase.Content) (fetchedBase, error) {
	d := fetchedBase{Base: b.Name, Platform: p.String(), Dir: c.Dir}
	if c.Image != nil {
		return d, d.addImage(c.Image)
	}
	for _, l := range c.Packages {
		d.Packages = append(d.Packages, fetchedPackage{l.Package, l.Version, l.Architecture, l.Size})
	}
	for _, f := range c.Archive.Files {
		if f.Dir {
			continue
		}
		d.Files++
		if f.Link == "" {
			info, err := os.Lstat(filepath.Join(c.Dir, filepath.FromSlash(f.Name)))
			if err != nil {
				return d, err
			}
			d.Bytes += info.Size()
		}
	}
	layer := &counted{Hash: sha256.New()}
	err := c.Archive.WriteGzip(ctx, layer, tarball.Options{Time: time.Unix(0, 0)})
	d.Digest, d.Packed = fmt.Sprintf("sha256:%x", layer.Sum(nil)), layer.bytes
	return d, err
}

// addImage says what an image is that was there already.
func (d *fetchedBase) addImage(img v1.Image) error {
	digest, err := img.Digest()
	if err != nil {
		return err
	}
	m, err := img.Manifest()
	if err != nil {
		return err
	}
	for _, l := range m.Layers {
		d.Bytes += l.Size
	}
	d.Digest = digest.String()
	return nil
}

// counted is a hash that counts what goes into it.
type counted struct {
	hash.Hash
	bytes int64
}

func (c *counted) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	return c.Hash.Write(p)
}

func printBases(w io.Writer, done []fetchedBase) {
	for i, d := range done {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if d.Dir == "" {
			fmt.Fprintf(w, "%s for %s: %s, %.1f MB of layers\n", d.Base, d.Platform, d.Digest, float64(d.Bytes)/1e6)
			continue
		}
		fmt.Fprintf(w, "%s\n%s for %s: %s, %.1f MB, of %s\n", d.Dir, d.Base, d.Platform, count(d.Files, "file"), float64(d.Bytes)/1e6, count(len(d.Packages), "package"))
		fmt.Fprintf(w, "layer %s, %.1f MB\n", d.Digest, float64(d.Packed)/1e6)
		table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		for _, p := range d.Packages {
			fmt.Fprintf(table, "  %s\t%s\t%s\t%d kB packed\n", p.Package, p.Version, p.Architecture, (p.Bytes+999)/1000)
		}
		_ = table.Flush()
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"kubedist/pkg/hint"
	"kubedist/pkg/registry"
)

// imagePushOptions are the flags of image push.
type imagePushOptions struct {
	registry registryOptions
	spec     specOptions
	show     showOptions
	to       string
	images   []string
	archTags bool
	forceTag bool
	dryRun   bool
}

func newImagePushCommand(env *environment) *cobra.Command {
	o := &imagePushOptions{}
	cmd := &cobra.Command{
		Use:   "push RELEASE|LAYOUT --registry HOST[:PORT][/PREFIX]",
		Short: "Bring the images of a release to a registry",
		Long: `Brings images to a registry, each with its manifest list over all platforms. RELEASE is the directory of a release,
out/v1.36.3; LAYOUT any directory in the form of an OCI image layout whose index.json names its images. Path and tag of an
image stay what they are, the registry changes: registry.k8s.io/coredns/coredns:v1.14.2 goes to HOST/coredns/coredns:v1.14.2,
and also to HOST/coredns:v1.14.2, where kubeadm looks for it with an imageRepository of one's own.

A tag is set last, when everything it promises was seen in the registry: blobs, then the manifest of each platform, then
the list. So a push may be interrupted at any time, and no tag points at an incomplete list. Run again, it sends what is
missing. What several repositories share is sent once and mounted into the others, where the registry can.

A tag that points at these very images already is left as it is. One that points at something else is refused, before
anything is sent: what was released under a version should not change, since nodes that pulled it before would run other
programs than those that pull it now. Push to another PREFIX, or move the tag with --force-tag.

` + registryHelp + `

Exit status: 0 done, 1 failed or refused, 2 bad option or input.`,
		Example: `  kubedist image push out/v1.36.3 --registry registry.example.org/kubernetes
  kubedist image push out/v1.36.3 --registry 127.0.0.1:5000 --image pause,coredns --arch-tags
  kubedist image push out/v1.36.3 --registry registry.example.org --dry-run`,
		Args: oneArg("the directory of a release or of an image layout"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runImagePush(cmd.Context(), env, o, args[0])
		},
	}
	o.registry.addFlags(cmd.Flags())
	o.spec.addFlags(cmd)
	o.show.addFlags(cmd)
	cmd.Flags().StringVar(&o.to, "registry", "", "`HOST[:PORT][/PREFIX]` to push to")
	cmd.Flags().StringSliceVar(&o.images, "image", nil, "images to push, by their names or paths (default: all)")
	cmd.Flags().BoolVar(&o.archTags, "arch-tags", false, "push the image of each platform as NAME-ARCH:TAG, too, as upstream has them")
	cmd.Flags().BoolVar(&o.forceTag, "force-tag", false, "move tags that exist and point at something else")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "say what would be pushed, and send nothing")
	return cmd
}

func runImagePush(ctx context.Context, env *environment, o *imagePushOptions, dir string) error {
	if o.to == "" {
		return usageError(hint.Errorf("see kubedist image push --help", "--registry: is not given"))
	}
	c, err := o.registry.open(env, hostOf(o.to+"/"))
	if err != nil {
		return err
	}
	options := registry.PushOptions{Images: o.images, ArchTags: o.archTags, MoveTags: o.forceTag, DryRun: o.dryRun}
	if options.To, err = c.Destination(o.to); err != nil {
		return usageError(err)
	}
	if options.Also, err = o.also(); err != nil {
		return usageError(err)
	}
	if dir, err = imageLayout(dir); err != nil {
		return usageError(err)
	}
	if options.Layout, err = registry.OpenLayout(dir); err != nil {
		return usageError(err)
	}
	v, err := o.show.open(env)
	if err != nil {
		return err
	}
	options.Progress = v
	result, err := c.Push(ctx, options)
	if closing := v.Close(); err == nil {
		err = closing
	}
	var unknown *registry.UnknownImageError
	if errors.As(err, &unknown) {
		return usageError(err)
	}
	if err != nil {
		return err
	}
	return o.show.result(env, result, func(w io.Writer) { printImagesPushed(w, result) })
}

// also lists the further repositories of the specification's images.
func (o *imagePushOptions) also() (map[string][]string, error) {
	s, _, err := o.spec.load()
	if err != nil {
		return nil, err
	}
	also := map[string][]string{}
	for _, image := range s.Images {
		also[image.Path()] = image.Also
	}
	return also, nil
}

// imageLayout finds the image layout of a release; a layout is its own.
func imageLayout(dir string) (string, error) {
	for _, candidate := range []string{dir, filepath.Join(dir, "images")} {
		_, err := os.Stat(filepath.Join(candidate, "oci-layout"))
		if err == nil {
			return candidate, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("images: %w", err)
		}
	}
	return "", hint.Errorf("name the directory of a release with images, such as out/v1.36.3, or that of an image layout", "images: there is no oci-layout in %s or %s", dir, filepath.Join(dir, "images"))
}

func printImagesPushed(out io.Writer, r *registry.Result) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "REFERENCE\tDIGEST\tSTATE")
	changed := 0
	for _, ref := range r.References {
		fmt.Fprintf(w, "%s\t%s\t%s\n", ref.Name, ref.Digest, ref.State)
		if ref.State != registry.Unchanged {
			changed++
		}
	}
	_ = w.Flush()
	if r.DryRun {
		fmt.Fprintf(out, "%s: %s of %d to push\n", r.Registry, count(changed, "reference"), len(r.References))
		return
	}
	fmt.Fprintf(out, "%s: %s of %d pushed: %s\n", r.Registry, count(changed, "reference"), len(r.References), r.Sent)
}

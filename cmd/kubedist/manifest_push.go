package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"kubedist/pkg/hint"
	"kubedist/pkg/manifestlist"
	"kubedist/pkg/progress"
)

// manifestPushOptions are the flags that both ways to push a list have.
type manifestPushOptions struct {
	registry registryOptions
	show     showOptions
	list     manifestlist.Options
}

func newManifestPushCommand(env *environment) *cobra.Command {
	o := &manifestPushOptions{}
	cmd := &cobra.Command{
		Use:   "push",
		Short: "Make a manifest list of images in a registry",
		Args:  cobra.ArbitraryArgs,
		RunE:  unknownCommand,
	}
	// manifest-tool has its flags before from-args and from-spec; they may stand on either side.
	o.registry.addFlags(cmd.PersistentFlags())
	cmd.PersistentFlags().StringVar(&o.list.Type, "type", manifestlist.Docker, "`docker` for a manifest list (v2.2), oci for an index (v1)")
	cmd.PersistentFlags().BoolVar(&o.list.IgnoreMissing, "ignore-missing", false, "leave out images that the registry says it does not have")
	cmd.AddCommand(newManifestFromArgsCommand(env, o), newManifestFromSpecCommand(env, o))
	return cmd
}

// manifestPushHelp is what both ways have in common.
const manifestPushHelp = `The images have to be in registries. Those of other repositories are mounted into that of the list, those of other
registries copied. Then the list is pushed, and last its tags are set; tags that point at something else are moved. Ends
with the line "Digest: DIGEST LENGTH". The same images in the same order give the same digest.

An image that says of itself that it is for another platform than it would be listed for is refused, as are two images for
one platform. Where a name is that of a list, the image of the platform is taken from it. With --ignore-missing an image is
left out when the registry says that it has none of the name: not when it does not answer or refuses the credentials.

` + registryHelp + `

Exit status: 0 done, 1 failed or refused, 2 bad option or input.`

func newManifestFromArgsCommand(env *environment, o *manifestPushOptions) *cobra.Command {
	var a manifestlist.Arguments
	cmd := &cobra.Command{
		Use:   "from-args --platforms OS/ARCH[/VARIANT],... --template NAME --target NAME",
		Short: "Make a manifest list of images whose names differ in the platform",
		Long: `Makes a manifest list of images whose names are alike but for the platform: in --template, OS, ARCH and VARIANT stand
for the parts of each platform (linux/arm/v7: linux, arm, v7). A template that gives two platforms the same image is
refused.

` + manifestPushHelp,
		Example: `  kubedist manifest push from-args --platforms linux/amd64,linux/arm,linux/arm64 \
    --template registry.example.org/pause-ARCH:3.10 --target registry.example.org/pause:3.10
  kubedist manifest push --type oci from-args --platforms linux/arm/v6,linux/arm/v7 \
    --template registry.example.org/tool-ARCHVARIANT:v1 --target registry.example.org/tool:v1 --tags v1.0,latest`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.Spec()
			if err != nil {
				return usageError(err)
			}
			return o.run(cmd.Context(), env, s)
		},
	}
	cmd.Flags().StringSliceVar(&a.Platforms, "platforms", nil, "platforms of the list: `OS/ARCH[/VARIANT],...`")
	cmd.Flags().StringVar(&a.Template, "template", "", "`NAME` of the images, with OS, ARCH and VARIANT in place of what differs")
	cmd.Flags().StringVar(&a.Target, "target", "", "`NAME` of the list")
	cmd.Flags().StringSliceVar(&a.Tags, "tags", nil, "further tags of the list, in the same repository")
	cmd.Flags().StringSliceVar(&a.Annotations, "annotations", nil, "annotations of the list, `NAME=VALUE,...`; with --type oci only")
	o.show.addFlags(cmd)
	return cmd
}

func newManifestFromSpecCommand(env *environment, o *manifestPushOptions) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "from-spec FILE",
		Short: "Make a manifest list of the images that a file lists",
		Long: `Makes a manifest list of the images that a YAML file lists, or standard input where FILE is -:

  image: registry.example.org/tool:v1
  tags: [v1.0, latest]                 # further tags in the same repository
  annotations: {org.example.a: b}      # with --type oci only
  manifests:
  - image: registry.example.org/tool-amd64:v1
    platform: {os: linux, architecture: amd64}
  - image: registry.example.org/tool-arm:v1
    platform: {os: linux, architecture: arm, variant: v7}

A platform may also have os.version, os.features and features. What it leaves out is what the image says of itself.

` + manifestPushHelp,
		Example: `  kubedist manifest push from-spec tool.yaml
  kubedist manifest push --type oci from-spec tool.yaml --ignore-missing`,
		Args: oneArg("a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "-" && o.registry.passwordStdin {
				return usageError(hint.Errorf("name a file", "standard input: is asked for the password and for the specification"))
			}
			s, err := readListSpec(env, args[0])
			if err != nil {
				return usageError(err)
			}
			return o.run(cmd.Context(), env, s)
		},
	}
	o.show.addFlags(cmd)
	return cmd
}

func readListSpec(env *environment, path string) (*manifestlist.Spec, error) {
	if path == "-" {
		return manifestlist.ReadSpec("standard input", env.Stdin)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("specification: %w", err)
	}
	defer f.Close()
	return manifestlist.ReadSpec(path, f)
}

// run makes and pushes one list.
func (o *manifestPushOptions) run(ctx context.Context, env *environment, s *manifestlist.Spec) error {
	c, err := o.registry.open(env, hostOf(s.Image))
	if err != nil {
		return err
	}
	o.list.Jobs = o.registry.jobs
	if err := s.Check(c, o.list); err != nil {
		return usageError(err)
	}
	v, err := o.show.open(env)
	if err != nil {
		return err
	}
	result, err := func() (*manifestlist.Result, error) {
		list, err := manifestlist.Assemble(ctx, c, s, o.list)
		if err != nil {
			return nil, err
		}
		if len(list.Missing) > 0 {
			progress.Warn(v, "left out, not in the registry: %s", strings.Join(list.Missing, ", "))
		}
		return manifestlist.Push(ctx, c, list, v)
	}()
	if closing := v.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return o.show.result(env, result, func(w io.Writer) { fmt.Fprintf(w, "Digest: %s %d\n", result.Digest, result.Length) })
}

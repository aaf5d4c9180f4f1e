package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"kubedist/pkg/manifestlist"
)

// manifestInspectOptions are the flags of manifest inspect.
type manifestInspectOptions struct {
	registry registryOptions
	raw      bool
	json     bool
}

func newManifestInspectCommand(env *environment) *cobra.Command {
	o := &manifestInspectOptions{}
	cmd := &cobra.Command{
		Use:   "inspect NAME",
		Short: "Show the platforms behind a name in a registry",
		Long: `Shows what NAME, which is REPOSITORY:TAG or REPOSITORY@DIGEST, points at: a line for the image of each platform with the
digest and length of its manifest, the number of its layers, and how many bytes a pull of it transfers.

` + registryHelp + `

Exit status: 0 done, 1 failed, 2 bad option or name.`,
		Example: `  kubedist manifest inspect registry.k8s.io/pause:3.10
  kubedist manifest inspect --raw registry.example.org/pause:3.10 | sha256sum`,
		Args: oneArg("a name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runManifestInspect(cmd.Context(), env, o, args[0])
		},
	}
	o.registry.addFlags(cmd.Flags())
	cmd.Flags().BoolVar(&o.raw, "raw", false, "print the manifest or list as the registry has it, to the byte")
	cmd.Flags().BoolVar(&o.json, "json", false, "print what was found as JSON")
	cmd.MarkFlagsMutuallyExclusive("raw", "json")
	return cmd
}

func runManifestInspect(ctx context.Context, env *environment, o *manifestInspectOptions, reference string) error {
	c, err := o.registry.open(env, hostOf(reference))
	if err != nil {
		return err
	}
	ref, err := c.Reference(reference)
	if err != nil {
		return usageError(err)
	}
	r, err := manifestlist.Inspect(ctx, c, ref, o.registry.jobs, o.raw)
	switch {
	case err != nil:
		return err
	case o.raw:
		_, err := env.Stdout.Write(r.Raw)
		return err
	case o.json:
		return writeJSON(env.Stdout, r)
	}
	return printReport(env.Stdout, r)
}

func printReport(out io.Writer, r *manifestlist.Report) error {
	fmt.Fprintf(out, "Name:   %s (Type: %s)\nDigest: %s %d\n", r.Reference, r.MediaType, r.Digest, r.Length)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PLATFORM\tDIGEST\tLENGTH\tLAYERS\tSIZE")
	for _, i := range r.Images {
		platform := i.Platform
		if platform == "" {
			platform = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\n", platform, i.Digest, i.Length, i.Layers, i.Size)
	}
	return w.Flush()
}

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"kubedist/pkg/apt"
)

// repoListOptions are the flags of repo list.
type repoListOptions struct {
	archive        archiveOptions
	suites         []string
	byArchitecture bool
	json           bool
}

func newRepoListCommand(env *environment) *cobra.Command {
	o := &repoListOptions{}
	cmd := &cobra.Command{
		Use:   "list [RELATION...]",
		Short: "List what the suites hold, with the versions of each architecture",
		Long: `Lists what the suites hold, or what relations select of it: a line to each version, with the architectures that have
it; or, with --by-architecture, a line to each package, with the newest version of each architecture and how many older
ones there are. It takes no lock: while someone publishes, it shows each suite as it was or as it is after.`,
		Example: `  kubedist repo list --suite stable 'kubeadm (>= 1.35)'
  kubedist repo list --by-architecture`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return runRepoList(cmd.Context(), env, o, args) },
	}
	o.archive.addLookFlags(cmd)
	cmd.Flags().StringSliceVar(&o.suites, "suite", nil, "suites to list (default: all)")
	cmd.Flags().BoolVar(&o.byArchitecture, "by-architecture", false, "list the versions of each architecture side by side")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the list as JSON")
	return cmd
}

func runRepoList(ctx context.Context, env *environment, o *repoListOptions, args []string) error {
	d, err := o.archive.load()
	if err != nil {
		return usageError(err)
	}
	selectors, err := parseSelectors(args)
	if err != nil {
		return err
	}
	list, err := apt.List(ctx, apt.Options{Root: o.archive.root, Definition: d}, o.suites...)
	if err != nil {
		return usageError(err)
	}
	list = apt.Select(list, selectors)
	switch {
	case o.json && o.byArchitecture:
		return writeJSON(env.Stdout, apt.ByArchitecture(list))
	case o.json:
		return writeJSON(env.Stdout, list)
	case o.byArchitecture:
		return printByArchitecture(env.Stdout, apt.ByArchitecture(list))
	}
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SUITE\tPACKAGE\tVERSION\tARCHITECTURES")
	for _, l := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", l.Suite, l.Package, l.Version, strings.Join(l.Architectures, " "))
	}
	return w.Flush()
}

// printByArchitecture writes a table with a column to each architecture.
func printByArchitecture(out io.Writer, packages []apt.PackageVersions) error {
	var archs []string
	for _, p := range packages {
		for arch := range p.Versions {
			if !slices.Contains(archs, arch) {
				archs = append(archs, arch)
			}
		}
	}
	slices.Sort(archs)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "SUITE\tPACKAGE\t%s\n", strings.Join(archs, "\t"))
	for _, p := range packages {
		cells := []string{p.Suite, p.Package}
		for _, arch := range archs {
			switch versions := p.Versions[arch]; len(versions) {
			case 0:
				cells = append(cells, "-")
			case 1:
				cells = append(cells, versions[0])
			default:
				cells = append(cells, fmt.Sprintf("%s +%d", versions[0], len(versions)-1))
			}
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

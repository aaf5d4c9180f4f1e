package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kubedist/pkg/buildroot"
	"kubedist/pkg/hint"
	"kubedist/pkg/mirror"
	"kubedist/pkg/spec"
)

// toolchainFetchOptions are the flags of toolchain fetch.
type toolchainFetchOptions struct {
	specs  specOptions
	mirror mirrorOptions
	show   showOptions
}

func newToolchainFetchCommand(env *environment) *cobra.Command {
	o := &toolchainFetchOptions{}
	cmd := &cobra.Command{
		Use:   "fetch [SUITE]",
		Short: "Make the root of a tool chain in the cache",
		Long: `Fetches the packages of a tool chain, or of all, checks them against the SHA-256 of the specification, and unpacks them
into the cache. What is there is not fetched again, also after a fetch that was stopped. Packages that a mirror has
dropped are on those of Debian's snapshot archive: name one with --debian-mirror.

Prints the directory of the root. Nothing may be written there: kubedist compiles in it for as long as it is in the cache.

Exit status: 0 done, 1 failed, 2 bad option or input.`,
		Args: func(cmd *cobra.Command, args []string) error {
			return usageError(hint.With(cobra.MaximumNArgs(1)(cmd, args), "see "+cmd.CommandPath()+" --help"))
		},
		RunE: func(cmd *cobra.Command, args []string) error { return runToolchainFetch(cmd.Context(), env, o, args) },
	}
	o.specs.addFlags(cmd)
	o.mirror.addFlags(cmd)
	o.show.addFlags(cmd)
	return cmd
}

// fetchedToolchain is what fetch says of a root.
type fetchedToolchain struct {
	Suite  string `json:"suite"`
	Digest string `json:"digest"`
	Dir    string `json:"dir"`
}

func runToolchainFetch(ctx context.Context, env *environment, o *toolchainFetchOptions, suites []string) error {
	s, _, err := o.specs.load()
	if err != nil {
		return usageError(err)
	}
	wanted := s.Toolchains
	if len(suites) > 0 {
		t, err := toolchainOf(s, suites[0])
		if err != nil {
			return err
		}
		wanted = []spec.Toolchain{t}
	}
	view, err := o.show.open(env)
	if err != nil {
		return err
	}
	var done []fetchedToolchain
	for _, t := range wanted {
		var root *buildroot.Root
		root, err = buildroot.Fetch(ctx, buildroot.Options{Toolchain: t, CacheDir: env.CacheDir, Mirror: o.mirror.url, Config: mirror.AptDir, Reporter: view})
		if err != nil {
			break
		}
		done = append(done, fetchedToolchain{t.Suite, t.Digest(), root.Dir()})
	}
	if closeErr := view.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return o.show.result(env, done, func(w io.Writer) {
		for _, d := range done {
			fmt.Fprintln(w, d.Dir)
		}
	})
}

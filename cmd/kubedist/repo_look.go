package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"kubedist/pkg/apt"
	"kubedist/pkg/openpgp"
)

// repoVerifyOptions are the flags of repo verify.
type repoVerifyOptions struct {
	root     string
	keyrings []string
	json     bool
}

func newRepoVerifyCommand(env *environment) *cobra.Command {
	o := &repoVerifyOptions{}
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check a published archive as apt and mirrors see it",
		Long: `Checks signatures, dates, every index under both its names, and every package with its size and digest.

Without --keyring the archive is checked with the keyring that lies in it, which finds damage but no forgery.

Exit status: 0 all is well, 1 could not look, 2 bad option, 3 something is wrong.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runRepoVerify(cmd.Context(), env, o) },
	}
	cmd.Flags().StringVar(&o.root, "root", filepath.Join("repo", "public"), "directory of the archive")
	cmd.Flags().StringSliceVar(&o.keyrings, "keyring", nil, "files of the public keys that users have")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the result as JSON")
	return cmd
}

func runRepoVerify(ctx context.Context, env *environment, o *repoVerifyOptions) error {
	files := o.keyrings
	if len(files) == 0 {
		files = []string{filepath.Join(o.root, apt.KeyringFile)}
		fmt.Fprintf(env.Stderr, "note: checking with the archive's own keyring, %s; name the one that users have with --keyring\n", files[0])
	}
	keyring, err := readKeyrings(files)
	if err != nil {
		return usageError(err)
	}
	return verifyArchive(ctx, env, o.root, keyring, o.json)
}

// verifyArchive checks the archive at path and prints what was found. A finding is a checkError.
func verifyArchive(ctx context.Context, env *environment, path string, keyring []*openpgp.Certificate, asJSON bool) error {
	frugal(env)
	report, err := apt.Verify(ctx, apt.VerifyOptions{Root: path, Keyring: keyring, Now: env.Now(), Jobs: runtime.GOMAXPROCS(0)})
	if err != nil {
		return err
	}
	for _, w := range report.Warnings {
		fmt.Fprintf(env.Stderr, "warning: %s\n", w)
	}
	if asJSON {
		if err := writeJSON(env.Stdout, report); err != nil {
			return err
		}
	} else {
		for _, f := range report.Findings {
			fmt.Fprintf(env.Stdout, "WRONG  %s: %s\n", f.Path, f.Problem)
		}
		if len(report.Findings) == 0 {
			snapshots := ""
			if report.Snapshots > 0 {
				snapshots = count(report.Snapshots, "snapshot") + ", "
			}
			fmt.Fprintf(env.Stdout, "%s: %d suites, %s%d files of indices, %d packages (%d MB), all as signed\n",
				path, report.Suites, snapshots, report.Indices, report.Packages, report.Bytes/1e6)
		}
	}
	if n := len(report.Findings); n > 0 {
		return checkError(fmt.Errorf("archive %s: %s wrong", path, count(n, "thing")))
	}
	return nil
}

// repoServeOptions are the flags of repo serve.
type repoServeOptions struct {
	root   string
	listen string
}

func newRepoServeCommand(env *environment) *cobra.Command {
	o := &repoServeOptions{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve an archive over HTTP, for trying it out",
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return runRepoServe(cmd.Context(), env, o) },
	}
	cmd.Flags().StringVar(&o.root, "root", filepath.Join("repo", "public"), "directory of the archive")
	cmd.Flags().StringVar(&o.listen, "listen", "127.0.0.1:8080", "address to listen on; port 0 takes a free one")
	return cmd
}

func runRepoServe(ctx context.Context, env *environment, o *repoServeOptions) error {
	root, err := os.OpenRoot(o.root)
	if err != nil {
		return usageError(fmt.Errorf("archive: %w", err))
	}
	defer root.Close()
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", o.listen)
	if err != nil {
		return usageError(err)
	}
	fmt.Fprintf(env.Stdout, "serving %s at http://%s/ until interrupted\n", o.root, listener.Addr())
	server := &http.Server{Handler: apt.Handler(root), ReadHeaderTimeout: 10 * time.Second}
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stopped()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

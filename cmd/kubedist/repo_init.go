package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"kubedist/pkg/apt"
	"kubedist/pkg/atomicfile"
	"kubedist/pkg/hint"
	"kubedist/repo"
)

// repoInitOptions are the flags of repo init.
type repoInitOptions struct {
	publishing publishingOptions
	definition apt.InitOptions
}

func newRepoInitCommand(env *environment) *cobra.Command {
	o := &repoInitOptions{}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Begin an archive: write its definition, and publish its suites, empty",
		Long: `Writes the definition of a new archive, repo/archive.yaml or what --definition names, where there is none, and
publishes its suites without a package in them, so that clients and mirrors can be pointed at it. A definition that is
there is used as it is.

Without --suite the archive has the suites for Kubernetes that are built in. With it, it has those, which take any
package that is added to them by name.

Exit status: 0 done, 1 failed, 2 bad option, or there is an archive already.`,
		Example: `  kubedist repo init --url https://apt.example.org/kubernetes --key release.asc
  kubedist repo init --url https://apt.example.org/kubernetes --maintainer 'Example Archive <archive@example.org>'
  kubedist repo init --root /srv/apt --definition /srv/archive.yaml --origin Example --label Example \
      --description 'Packages of Example' --url https://apt.example.org --suite testing,stable --architecture amd64,arm64`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runRepoInit(cmd.Context(), env, o) },
	}
	o.publishing.addFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.definition.Origin, "origin", "", "who publishes; clients stop when it changes")
	f.StringVar(&o.definition.Label, "label", "", "what is published; clients stop when it changes")
	f.StringVar(&o.definition.Description, "description", "", "the archive in a few words")
	f.StringVar(&o.definition.Maintainer, "maintainer", "", "`NAME <ADDRESS>` of who cares for the archive; it then has a package with its keys, by which users get new ones")
	f.StringSliceVar(&o.definition.Suites, "suite", nil, "suites of the archive (default: those for Kubernetes)")
	f.StringSliceVar(&o.definition.Components, "component", nil, "components of each suite (default: main)")
	f.StringSliceVar(&o.definition.Architectures, "architecture", nil, "Debian architectures (default: all that Kubernetes is made for)")
	return cmd
}

func runRepoInit(ctx context.Context, env *environment, o *repoInitOptions) error {
	file, err := o.define()
	if err != nil {
		return err
	}
	if o.publishing.dryRun && file.text != nil {
		fmt.Fprintf(env.Stdout, "%s: would be written:\n\n%s", file.path, file.text)
		return nil
	}
	options, err := o.publishing.options(ctx, env)
	if err != nil {
		return err
	}
	if file.text != nil {
		if err := file.write(); err != nil {
			return err
		}
		fmt.Fprintf(env.Stderr, "wrote %s\n", file.path)
	}
	o.publishing.archive.definition = file.path
	tx, d, err := o.publishing.archive.begin(ctx, env)
	if err != nil {
		return err
	}
	defer tx.Close()
	if there := tx.Published(); len(there) > 0 {
		return usageError(hint.Errorf("change it with the other commands, or name another directory with --root",
			"archive %s: is there already, with the suite %s", o.publishing.archive.root, there[0]))
	}
	for _, s := range d.Suites {
		options.Suites = append(options.Suites, s.Name)
	}
	return publishAndPrint(ctx, &o.publishing, &session{env: env, tx: tx, definition: d, options: options})
}

// definitionFile is the definition of a new archive.
type definitionFile struct {
	path string
	text []byte // nil when the file is there
}

// define finds the definition that is there, or makes one.
func (o *repoInitOptions) define() (*definitionFile, error) {
	file := &definitionFile{path: o.publishing.archive.definition}
	if file.path == "" {
		file.path = filepath.Join("repo", "archive.yaml")
	}
	_, err := os.Stat(file.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, usageError(err)
	}
	set := o.definition
	if err == nil {
		if set.Origin+set.Label+set.Description+set.Maintainer != "" || len(set.Suites)+len(set.Components)+len(set.Architectures) > 0 {
			return nil, usageError(hint.Errorf("edit it, or leave the flags away that it would decide about", "definition %s: is there already", file.path))
		}
		return file, nil
	}
	set.URL = o.publishing.archive.url
	if set.URL == "" {
		return nil, usageError(hint.Errorf("say where clients will find it with --url, as in https://apt.example.org/kubernetes", "archive: has no URL"))
	}
	if file.text, err = apt.NewDefinition(file.path, repo.Archive, set); err != nil {
		return nil, usageError(err)
	}
	return file, nil
}

// write puts the file where it belongs.
func (f *definitionFile) write() error {
	if err := atomicfile.MkdirAll(filepath.Dir(f.path)); err != nil {
		return fmt.Errorf("definition: %w", err)
	}
	return atomicfile.WriteFile(f.path, f.text, 0o644)
}

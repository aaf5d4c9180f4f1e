package main

import (
	"io/fs"
	"os"

	"github.com/spf13/cobra"
	"kubedist/pkg/spec"
	"kubedist/specs"
	"kubedist/templates"
)

// specOptions say where the specification of what is built comes from.
type specOptions struct {
	specs     string
	templates string
}

func (o *specOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.specs, "specs", "", "directory of the specification (default: the one built into kubedist)")
	cmd.Flags().StringVar(&o.templates, "templates", "", "directory of the templates (default: those built into kubedist)")
}

// load reads and checks the specification, and returns it with its templates.
func (o *specOptions) load() (*spec.Spec, fs.FS, error) {
	var from, texts fs.FS = specs.FS, templates.FS
	if o.specs != "" {
		from = os.DirFS(o.specs)
	}
	if o.templates != "" {
		texts = os.DirFS(o.templates)
	}
	s, err := spec.Load(from, texts)
	return s, texts, err
}

package spec

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"kubedist/pkg/platform"
	"kubedist/pkg/yamlfile"
)

// file is one loaded file and where its entries came to lie in the Spec.
type file struct {
	*yamlfile.File
	spec Spec
}

// Load reads every .yaml file of specs, checks what they declare together, and that templates has each template that
// they name. All problems are reported at once, each with file, line and field.
//
// The digest of the result is a SHA-256 over the lines that `sha256sum` prints of the files that count, sorted by name:
// specs/ with every .yaml file, and templates/ with those that packages and bases name.
func Load(specs, templates fs.FS) (*Spec, error) {
	files, err := readFiles(specs)
	if err != nil {
		return nil, err
	}
	all := &Spec{}
	for _, f := range files {
		all.Platforms = append(all.Platforms, f.spec.Platforms...)
		all.Sources = append(all.Sources, f.spec.Sources...)
		all.Binaries = append(all.Binaries, f.spec.Binaries...)
		all.Documents = append(all.Documents, f.spec.Documents...)
		all.Packages = append(all.Packages, f.spec.Packages...)
		all.Tarballs = append(all.Tarballs, f.spec.Tarballs...)
		all.Images = append(all.Images, f.spec.Images...)
		all.Bases = append(all.Bases, f.spec.Bases...)
		all.Coverage = append(all.Coverage, f.spec.Coverage...)
		all.Profiles = append(all.Profiles, f.spec.Profiles...)
		all.Releases = append(all.Releases, f.spec.Releases...)
		all.Toolchains = append(all.Toolchains, f.spec.Toolchains...)
	}
	c := &checker{spec: all, templates: templates, seen: map[string]string{}}
	for _, f := range files {
		c.check(f)
	}
	if len(c.problems) > 0 {
		return nil, errors.Join(c.problems...)
	}
	slices.SortFunc(all.Platforms, func(a, b Platform) int { return platform.Compare(a.ID, b.ID) })
	all.Digest, err = digest(specs, templates, all)
	return all, err
}

func readFiles(specs fs.FS) ([]*file, error) {
	var files []*file
	var problems []error
	err := fs.WalkDir(specs, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".yaml") {
			return err
		}
		data, err := readFile(specs, name)
		if err != nil {
			return err
		}
		f, err := parse(name, data)
		if err != nil {
			problems = append(problems, err)
			return nil
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(problems) == 0 && len(files) == 0 {
		return nil, errors.New("specs: no .yaml file found")
	}
	return files, errors.Join(problems...)
}

func readFile(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := yamlfile.Read(f)
	if err != nil {
		return nil, fmt.Errorf("specs/%s: %w", name, err)
	}
	return data, nil
}

// parse reads one file strictly.
func parse(name string, data []byte) (*file, error) {
	name = "specs/" + name
	parsed, err := yamlfile.Parse(name, data)
	if err != nil {
		return nil, err
	}
	texts := &textChecker{name: name}
	parsed.Walk(texts)
	if len(texts.problems) > 0 {
		return nil, errors.Join(texts.problems...)
	}
	f := &file{File: parsed}
	return f, parsed.Decode(&f.spec)
}

// textChecker parses the scalars that have a syntax of their own. The decoder does so too, but says of an error neither
// where it is nor in which field.
type textChecker struct {
	name     string
	problems []error
}

// Visit implements ast.Visitor.
func (c *textChecker) Visit(node ast.Node) ast.Visitor {
	pair, ok := node.(*ast.MappingValueNode)
	if !ok {
		return c
	}
	value, ok := pair.Value.(ast.ScalarNode)
	if !ok {
		return c
	}
	var err error
	field, token := pair.Key.String(), value.GetToken()
	switch field {
	case "platform", "host":
		_, err = platform.Parse(token.Value)
	case "versions":
		_, err = ParseRange(token.Value)
	case "commitTime", "buildDate":
		err = checkTime(token.Value)
	}
	if err != nil {
		c.problems = append(c.problems, fmt.Errorf("%s:%d: %s: %w", c.name, token.Position.Line, field, err))
	}
	return c
}

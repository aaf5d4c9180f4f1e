package spec

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"kubedist/pkg/platform"
)

// maxFile bounds a file under specs/; the largest of ours has 4 KB.
const maxFile = 1 << 20

// file is one loaded file and where its entries came to lie in the Spec.
type file struct {
	name string
	ast  *ast.File
	spec Spec
}

// Load reads every .yaml file of specs, checks what they declare together, and that templates has each template that
// they name. All problems are reported at once, each with file, line and field.
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
	}
	c := &checker{spec: all, templates: templates, seen: map[string]string{}}
	for _, f := range files {
		c.check(f)
	}
	if len(c.problems) > 0 {
		return nil, errors.Join(c.problems...)
	}
	slices.SortFunc(all.Platforms, func(a, b Platform) int { return platform.Compare(a.ID, b.ID) })
	return all, nil
}

func readFiles(specs fs.FS) ([]*file, error) {
	var files []*file
	var problems []error
	err := fs.WalkDir(specs, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".yaml") {
			return err
		}
		data, err := readBounded(specs, name)
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

func readBounded(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("specs/%s: larger than %d bytes", name, maxFile)
	}
	return data, err
}

// parse reads one file strictly: an unknown or repeated field is an error.
func parse(name string, data []byte) (_ *file, err error) {
	// The YAML library panics on some malformed tags.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("specs/%s: malformed YAML: %v", name, r)
		}
	}()
	tree, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, located(name, err)
	}
	f := &file{name: name, ast: tree}
	if len(tree.Docs) > 1 {
		return nil, fmt.Errorf("specs/%s: more than one document", name)
	}
	texts := &textChecker{name: name}
	for _, doc := range tree.Docs {
		ast.Walk(texts, doc)
	}
	if len(texts.problems) > 0 {
		return nil, errors.Join(texts.problems...)
	}
	if err := yaml.UnmarshalWithOptions(data, &f.spec, yaml.Strict()); err != nil && !errors.Is(err, io.EOF) {
		return nil, located(name, err)
	}
	return f, nil
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
	case "platform":
		_, err = platform.Parse(token.Value)
	case "versions":
		_, err = ParseRange(token.Value)
	}
	if err != nil {
		c.problems = append(c.problems, fmt.Errorf("specs/%s:%d: %s: %w", c.name, token.Position.Line, field, err))
	}
	return c
}

// located words a YAML error as file:line and what is wrong there.
func located(name string, err error) error {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		return fmt.Errorf("specs/%s:%d: %s", name, at.GetToken().Position.Line, at.GetMessage())
	}
	return fmt.Errorf("specs/%s: %w", name, err)
}

// line finds the line of the value at path, such as $.packages[0].relations[1].versions, or of its nearest parent that
// exists.
func (f *file) line(path string) int {
	for {
		if p, err := yaml.PathString(path); err == nil {
			if node, err := p.FilterFile(f.ast); err == nil && node != nil {
				return node.GetToken().Position.Line
			}
		}
		i := strings.LastIndexAny(path, ".[")
		if i <= 1 {
			return 1
		}
		path = path[:i]
	}
}

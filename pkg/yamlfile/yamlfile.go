// Package yamlfile reads YAML files that people write, strictly, and says of each problem in which file, line and field it
// is. It does not know what the files are about.
package yamlfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFile bounds a file in bytes; those of ours have a few thousand.
const maxFile = 1 << 20

// Read reads all of a file that is to be parsed. A larger one than anybody writes is an error.
func Read(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("larger than %d bytes", maxFile)
	}
	return data, err
}

// ReadFile is Read for the file at path, which its errors name.
func ReadFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

// File is a parsed file.
type File struct {
	name string
	data []byte
	tree *ast.File
}

// Parse parses data, which holds one document at the most. The name begins all errors.
func Parse(name string, data []byte) (f *File, err error) {
	defer guard(name, &err)
	tree, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, located(name, err)
	}
	if len(tree.Docs) > 1 {
		return nil, fmt.Errorf("%s: more than one document", name)
	}
	return &File{name, data, tree}, nil
}

// Decode fills in the struct that into points to. A field that it does not have, and one that is there twice, are errors.
func (f *File) Decode(into any) (err error) {
	defer guard(f.name, &err)
	if err := yaml.UnmarshalWithOptions(f.data, into, yaml.Strict()); err != nil && !errors.Is(err, io.EOF) {
		return located(f.name, err)
	}
	return nil
}

// Walk visits all nodes.
func (f *File) Walk(v ast.Visitor) {
	for _, doc := range f.tree.Docs {
		ast.Walk(v, doc)
	}
}

// At gives the place of a field such as suites[1].name, or of the nearest parent that the file has, as FILE:LINE.
func (f *File) At(field string) string { return fmt.Sprintf("%s:%d", f.name, f.Line(field)) }

// Line is the line of At.
func (f *File) Line(field string) int {
	for at := "$." + field; ; {
		if p, err := yaml.PathString(at); err == nil {
			if node, err := p.FilterFile(f.tree); err == nil && node != nil {
				return node.GetToken().Position.Line
			}
		}
		i := strings.LastIndexAny(at, ".[")
		if i <= 1 {
			return 1
		}
		at = at[:i]
	}
}

// guard makes an error of a panic, with which the YAML library answers some malformed input.
func guard(name string, err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%s: malformed YAML: %v", name, r)
	}
}

// located words an error of the YAML library as file, line and what is wrong there.
func located(name string, err error) error {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		return fmt.Errorf("%s:%d: %s", name, at.GetToken().Position.Line, at.GetMessage())
	}
	return fmt.Errorf("%s: %w", name, err)
}

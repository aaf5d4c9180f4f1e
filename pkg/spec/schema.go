package spec

import (
	"encoding/json"

	"github.com/invopop/jsonschema"
)

// Schema returns the JSON Schema (2020-12) of the files under specs/, made from the types that they are loaded into.
func Schema() ([]byte, error) {
	r := &jsonschema.Reflector{FieldNameTag: "yaml", ExpandedStruct: true, Anonymous: true}
	s := r.Reflect(&Spec{})
	s.Title = "A file under specs/ of kubedist"
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(data, '\n'), nil
}

// JSONSchema describes a Role as the list of its values.
func (Role) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Enum: []any{Client, Node, Server}}
}

// JSONSchema describes a Link as the list of its values.
func (Link) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Enum: []any{Static}}
}

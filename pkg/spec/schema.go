package spec

import (
	"encoding/json"
	"reflect"

	"github.com/invopop/jsonschema"

	"kubedist/pkg/platform"
)

// Schema returns the JSON Schema (2020-12) of the files under specs/, made from the types that they are loaded into.
func Schema() ([]byte, error) {
	r := &jsonschema.Reflector{FieldNameTag: "yaml", ExpandedStruct: true, Anonymous: true, Mapper: textSchema}
	s := r.Reflect(&Spec{})
	s.Title = "A file under specs/ of kubedist"
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(data, '\n'), nil
}

// textSchema describes the types that are written as one text: without it the schema would ask for their fields.
func textSchema(t reflect.Type) *jsonschema.Schema {
	if t == reflect.TypeFor[platform.ID]() || t == reflect.TypeFor[Range]() {
		return &jsonschema.Schema{Type: "string"}
	}
	return nil
}

// JSONSchema describes a Role as the list of its values.
func (Role) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Enum: []any{Client, Node, Server}}
}

// JSONSchema describes a Link as the list of its values.
func (Link) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Enum: []any{Static, CLinked}}
}

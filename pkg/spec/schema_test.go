package spec_test

import (
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"testing"

	"kubedist/pkg/spec"
)

var update = flag.Bool("update", false, "write specs/schema.json anew")

// schemaFile is what editors and readers without kubedist have.
const schemaFile = "../../specs/schema.json"

func TestSchemaIsCommitted(t *testing.T) {
	t.Parallel()
	got, err := spec.Schema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(schemaFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s is not what `kubedist docs schema` prints; -update writes it anew", schemaFile)
	}
}

// TestSchemaIsStrict: like the loader, the schema allows no field that it does not know, at any depth.
func TestSchemaIsStrict(t *testing.T) {
	t.Parallel()
	data, err := spec.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var schema any
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	objects := 0
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if v["$ref"] != nil && v["type"] != nil {
				t.Errorf("%s is what it refers to and of type %v, which nothing can be", at, v["type"])
			}
			if properties, ok := v["properties"].(map[string]any); ok {
				objects++
				if !reflect.DeepEqual(v["additionalProperties"], false) {
					t.Errorf("%s allows fields that it does not know", at)
				}
				for name, p := range properties {
					if reflect.DeepEqual(p, true) {
						t.Errorf("%s.%s may be anything", at, name)
					}
				}
			}
			for name, child := range v {
				walk(at+"."+name, child)
			}
		case []any:
			for _, child := range v {
				walk(at, child)
			}
		}
	}
	walk("$", schema)
	if objects < 10 {
		t.Errorf("only %d objects in the schema", objects)
	}
}

package apt

import (
	"bytes"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// InitOptions say in what the definition of a new archive differs from a template. Empty fields leave what is there.
type InitOptions struct {
	Origin, Label, Description, URL string

	// Maintainer is the NAME <ADDRESS> of the keyring package, which the archive is to have then.
	Maintainer string

	Components    []string
	Architectures []string
	// Suites replace those of the template. They take packages of any version, and none is Kubernetes's own: packages go
	// into the suites that are named for them.
	Suites []string
}

// NewDefinition writes the definition of a new archive: the template, with its comments, and the fields that the options
// set. The template must be a definition whose last field is suites, and whose others stand on one line each. The result
// is checked as [ParseDefinition] does, under the given name.
func NewDefinition(name string, template []byte, o InitOptions) ([]byte, error) {
	text := bytes.Clone(template)
	for _, f := range []struct{ field, value string }{
		{"origin", o.Origin}, {"label", o.Label}, {"description", o.Description}, {"url", o.URL}, {"maintainer", o.Maintainer},
	} {
		if f.value == "" {
			continue
		}
		value, err := yaml.Marshal(f.value)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.field, err)
		}
		if text, err = setField(text, f.field, strings.TrimSpace(string(value))); err != nil {
			return nil, err
		}
	}
	if o.Maintainer != "" {
		for _, f := range [][2]string{{"keyring-package", "true"}, {"signed-by", path.Join(keyringDir, KeyringFile)}} {
			var err error
			if text, err = setField(text, f[0], f[1]); err != nil {
				return nil, err
			}
		}
	}
	if u, err := url.Parse(o.URL); err == nil && o.URL != "" {
		trace := strings.ToLower(u.Hostname())
		if checkWord(trace) != nil { // an address in brackets
			trace = ""
		}
		if text, err = setField(text, "trace", strconv.Quote(trace)); err != nil {
			return nil, err
		}
	}
	lists := []struct {
		field string
		value []string
		set   bool
	}{
		{"components", o.Components, len(o.Components) > 0},
		{"architectures", o.Architectures, len(o.Architectures) > 0},
		{"kubernetes-packages", nil, len(o.Suites) > 0},
		{"distribution", nil, len(o.Suites) > 0},
	}
	for _, f := range lists {
		if !f.set {
			continue
		}
		for _, word := range f.value { // what is no word could end the list
			if strings.ContainsAny(word, "[]{},#:\"'\n\r") {
				return nil, fmt.Errorf("field %s: %q is no plain word", f.field, word)
			}
		}
		var err error
		if text, err = setField(text, f.field, "["+strings.Join(f.value, ", ")+"]"); err != nil {
			return nil, err
		}
	}
	if len(o.Suites) > 0 {
		head, _, found := bytes.Cut(text, []byte("\nsuites:"))
		if !found {
			return nil, fmt.Errorf("template of %s: has no suites", name)
		}
		text = fmt.Appendf(head, "\nsuites:\n")
		for _, s := range o.Suites {
			if err := checkWord(s); err != nil {
				return nil, fmt.Errorf("suite %q: %w", s, err)
			}
			text = fmt.Appendf(text, "  - {name: %q, accepts: \"*\"}\n", s)
		}
	}
	if _, err := ParseDefinition(name, text); err != nil {
		return nil, err
	}
	return text, nil
}

// setField replaces the one line of a field.
func setField(text []byte, field, value string) ([]byte, error) {
	if strings.ContainsAny(value, "\r\n") {
		return nil, fmt.Errorf("field %s: not one line of text", field)
	}
	lines := bytes.Split(text, []byte("\n"))
	for i, line := range lines {
		if bytes.HasPrefix(line, []byte(field+":")) {
			lines[i] = []byte(field + ": " + value)
			return bytes.Join(lines, []byte("\n")), nil
		}
	}
	return nil, fmt.Errorf("template: has no field %s", field)
}

package apt

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"text/template"

	"kubedist/pkg/deb822"
	"kubedist/pkg/openpgp"
	"kubedist/templates"
)

// sourcesData is what the template of a .sources file may use.
type sourcesData struct {
	Origin, Suite, URL string
	Components         []string
	SignedBy           string   // where the client keeps the keyring
	Keyring            string   // the keyring's name in the archive
	Fingerprints       []string // of the keys in it
}

// sourcesText fills in the .sources file (deb822, sources.list(5)) of one suite.
func sourcesText(d *Definition, suite, url string, certs []*openpgp.Certificate) ([]byte, error) {
	text, err := fs.ReadFile(templates.FS, "apt/"+sourcesFile)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	tmpl, err := template.New(sourcesFile).Option("missingkey=error").
		Funcs(template.FuncMap{"join": func(s []string) string { return strings.Join(s, " ") }}).Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	data := sourcesData{Origin: d.Origin, Suite: suite, URL: url, Components: d.Components, SignedBy: d.SignedBy, Keyring: keyringBinary}
	if path.Ext(d.SignedBy) == ".asc" {
		data.Keyring = keyringArmored
	}
	for _, c := range certs {
		data.Fingerprints = append(data.Fingerprints, c.Fingerprint())
	}
	var b bytes.Buffer
	if err := tmpl.Execute(&b, data); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	// The comments that such a file may have are no part of deb822 elsewhere.
	var plain bytes.Buffer
	for line := range bytes.Lines(b.Bytes()) {
		if !bytes.HasPrefix(line, []byte("#")) {
			plain.Write(line)
		}
	}
	if _, err := deb822.Parse(plain.Bytes(), deb822.Limits{}); err != nil {
		return nil, fmt.Errorf("template apt/%s: %w", sourcesFile, err)
	}
	return b.Bytes(), nil
}

package apt

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"text/template"
	"time"

	"kubedist/pkg/deb"
	"kubedist/pkg/openpgp"
	"kubedist/templates"
)

// keyringData is what the templates of the keyring package may use.
type keyringData struct {
	sourcesData
	Package, Version, Maintainer string
	Year                         int
	Date                         string // as changelogs write it (RFC 2822)
}

// makeKeyringPackage writes the package of a version.
func (p *publication) makeKeyringPackage(ctx context.Context, version string) ([]byte, error) {
	def := p.tree.def
	at, err := time.Parse(keyringVersion, version[:min(len(version), len(keyringVersion))])
	if err != nil {
		return nil, fmt.Errorf("version %s: %w", version, err)
	}
	certs := slices.Clone(p.certs)
	openpgp.SortByFingerprint(certs)
	form := openpgp.BinaryKeyring
	if path.Ext(def.SignedBy) == ".asc" {
		form = openpgp.ArmoredKeyring
	}
	keyring, err := openpgp.MarshalKeyring(form, certs...)
	if err != nil {
		return nil, err
	}
	data := keyringData{
		sourcesData: sourcesData{Origin: def.Origin, URL: p.options.URL, Components: def.Components, SignedBy: def.SignedBy},
		Package:     keyringPackage, Version: version, Maintainer: def.Maintainer, Year: at.Year(), Date: at.Format(time.RFC1123Z),
	}
	for _, c := range certs {
		data.Fingerprints = append(data.Fingerprints, c.Fingerprint())
	}
	files := []deb.File{{Path: def.SignedBy, Data: keyring}}
	for _, f := range []struct{ template, to string }{
		{"copyright", "/usr/share/doc/" + keyringPackage + "/copyright"},
		{"changelog", "/usr/share/doc/" + keyringPackage + "/changelog.gz"},
		{"lintian-overrides", "/usr/share/lintian/overrides/" + keyringPackage},
	} {
		text, err := keyringText(f.template, data)
		if err != nil {
			return nil, err
		}
		if path.Ext(f.to) == ".gz" {
			if text, err = deb.Gzip(text); err != nil {
				return nil, err
			}
		}
		files = append(files, deb.File{Path: f.to, Data: text})
	}
	for _, s := range def.Suites {
		data.Suite = s.Name
		text, err := keyringText("suite.sources", data)
		if err != nil {
			return nil, err
		}
		files = append(files, deb.File{Path: keyringSources(s.Name), Data: text, Config: true})
	}
	compression, err := deb.ParseCompression("gzip") // a few kilobytes, which every dpkg unpacks
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = deb.Write(ctx, &b, deb.Package{
		Name: keyringPackage, Version: version, Architecture: "all", Maintainer: def.Maintainer, Section: "misc", Priority: "optional",
		Homepage: p.options.URL, Summary: "keys and sources of the " + def.Origin + " archive", Files: files, Time: at,
		Description: "The keys that sign the archive at\n" + p.options.URL + ",\nand a .sources file for each of its suites, none of which is enabled.\nWhoever has this package gets new keys by upgrading.",
	}, deb.Options{Compression: compression, TempDir: p.disk.path(tempDir)})
	return b.Bytes(), err
}

// keyringSources is where the package has the .sources file of a suite. apt reads no file whose name has a plus sign.
func keyringSources(suite string) string {
	return "/etc/apt/sources.list.d/kubernetes-" + strings.ReplaceAll(suite, "+", "-") + ".sources"
}

// keyringText fills in one of the package's templates.
func keyringText(name string, data keyringData) ([]byte, error) {
	text, err := fs.ReadFile(templates.FS, "keyring/"+name)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	tmpl, err := template.New(name).Option("missingkey=error").
		Funcs(template.FuncMap{"join": func(s []string) string { return strings.Join(s, " ") }}).Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	var b bytes.Buffer
	if err := tmpl.Execute(&b, data); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	return b.Bytes(), nil
}

package specs_test

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"path"
	"strings"
	"testing"
	"text/template"
	"time"

	"kubedist/pkg/deb"
	"kubedist/pkg/spec"
	"kubedist/specs"
	"kubedist/templates"
)

// releaseVersion and builtAt stand for the stamp of a Kubernetes release.
const releaseVersion = "v1.36.3"

var builtAt = time.Date(2026, 7, 14, 9, 30, 0, 0, time.UTC)

func load(t testing.TB) *spec.Spec {
	t.Helper()
	s, err := spec.Load(specs.FS, templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// documentFiles are the names of what a document's program writes: enough of them to see where they go.
func documentFiles(d spec.Document) []string {
	if d.Stdout != "" {
		return []string{d.Stdout}
	}
	name := strings.TrimSuffix(d.Name, "-man")
	return []string{name + ".1", name + "-version.1"}
}

// render makes the package that p declares for a Debian architecture, with one line of text for each program, document
// and file of the source tree.
func render(t testing.TB, s *spec.Spec, p spec.Package, architecture string) deb.Package {
	t.Helper()
	source, _ := s.Source(p.Source)
	version := source.Version
	if version == "" {
		version = releaseVersion
	}
	relations, err := p.RelationsFor(version)
	if err != nil {
		t.Fatal(err)
	}
	d := deb.Package{
		Name: p.Name, Version: deb.Version(version, "1.1"), Architecture: architecture,
		Maintainer: "Release Team <release@example.org>", Section: p.Section, Priority: p.Priority, Homepage: p.Homepage,
		Summary: p.Summary, Description: p.Description,
		Depends: relations.Depends, Recommends: relations.Recommends, Suggests: relations.Suggests,
		Conflicts: relations.Conflicts, Replaces: relations.Replaces, Provides: relations.Provides, Time: builtAt,
	}
	fields := map[string]any{
		"Package": d.Name, "Version": version, "DebianVersion": d.Version, "Architecture": architecture,
		"Maintainer": d.Maintainer, "Summary": d.Summary, "Homepage": d.Homepage, "Source": source.Name,
		"Module": source.Module, "Time": builtAt, "Date": builtAt.Format(time.RFC1123Z),
	}
	for _, c := range p.Contents {
		switch {
		case c.Dir != "":
			d.Files = append(d.Files, deb.File{Path: c.Dir, Dir: true})
		case c.Binary != "":
			b, _ := s.Binary(c.Binary)
			names := []string{b.Name}
			if len(b.Find) > 0 {
				names = []string{"bridge", "loopback"}
			}
			for _, name := range names {
				d.Files = append(d.Files, deb.File{Path: target(c, name), Mode: 0o755, Data: []byte("program " + name + "\n")})
			}
		case c.Document != "":
			document, _ := s.Document(c.Document)
			for _, name := range documentFiles(document) {
				if ok, _ := path.Match(c.Files, name); c.Files == "" || ok {
					d.Files = append(d.Files, file(t, c, name, []byte("document "+name+"\n")))
				}
			}
		case c.Template != "":
			d.Files = append(d.Files, file(t, c, c.Template, expand(t, c.Template, fields)))
		case c.Tree != "":
			d.Files = append(d.Files, file(t, c, c.Tree, []byte("tree "+c.Tree+"\n")))
		}
	}
	for name, to := range map[string]*[]byte{
		p.Scripts.Preinst: &d.Scripts.Preinst, p.Scripts.Postinst: &d.Scripts.Postinst,
		p.Scripts.Prerm: &d.Scripts.Prerm, p.Scripts.Postrm: &d.Scripts.Postrm,
	} {
		if name != "" {
			*to = expand(t, name, fields)
		}
	}
	return d
}

func expand(t testing.TB, name string, fields map[string]any) []byte {
	t.Helper()
	text, err := fs.ReadFile(templates.FS, name)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := template.New(name).Option("missingkey=error").Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, fields); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func target(c spec.Content, name string) string {
	if strings.HasSuffix(c.To, "/") {
		return c.To + path.Base(name)
	}
	return c.To
}

func file(t testing.TB, c spec.Content, name string, data []byte) deb.File {
	t.Helper()
	to := target(c, name)
	if c.Gzip {
		var packed bytes.Buffer
		w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		data, to = packed.Bytes(), to+".gz"
	}
	return deb.File{Path: to, Data: data, Config: c.Config}
}

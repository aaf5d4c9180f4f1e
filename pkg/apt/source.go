package apt

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"kubedist/pkg/deb"
	"kubedist/pkg/deb822"
)

// archSource is the architecture by which source packages are listed and selected, and the last part of the directory of
// their index.
const archSource = "source"

// source is one paragraph of a Sources index.
type source struct {
	name, version string
	files         []sourceFile // its .dsc among them
	text          string       // the whole paragraph, with its last line end
}

// sourceFile is a file of a source package in the pool.
type sourceFile struct {
	path   string
	size   int64
	sha256 string
}

// sourceIndex is one Sources index, loaded, with what changed since.
type sourceIndex struct {
	sources        []*source // sorted
	added, removed int
}

func (x *sourceIndex) changed() bool { return x.added > 0 || x.removed > 0 }

func compareSources(a, b *source) int {
	return cmp.Or(strings.Compare(a.name, b.name), deb.Compare(a.version, b.version), strings.Compare(a.version, b.version))
}

// find returns the source package of that name and version.
func (x *sourceIndex) find(name, version string) *source {
	for _, s := range x.sources {
		if s.name == name && s.version == version {
			return s
		}
	}
	return nil
}

// sourcesName is the name of an index of source packages within its suite.
func sourcesName(component string) string { return path.Join(component, archSource, "Sources") }

// newSource writes the paragraph of a source package, whose files lie in one directory of the pool: the fields of its
// .dsc, with Package for Source, and the .dsc itself among the files (Debian repository format, "Sources indices").
func newSource(s *deb.Source, dir string, dsc []byte, dscFile sourceFile) (*source, error) {
	stanza := deb822.Stanza{{Name: "Package", Value: s.Name}}
	for _, f := range s.Control {
		switch name := strings.ToLower(f.Name); {
		case slices.Contains([]string{"source", "package", "directory", "files", "priority", "section"}, name), strings.HasPrefix(name, "checksums-"):
		default:
			stanza = append(stanza, f)
		}
	}
	base := path.Base(dscFile.path)
	listed := &source{name: s.Name, version: s.Version, files: []sourceFile{dscFile}}
	sums := fmt.Sprintf("\n%s %d %s", dscFile.sha256, dscFile.size, base)
	for _, f := range s.Files {
		listed.files = append(listed.files, sourceFile{path.Join(dir, f.Name), f.Size, f.SHA256})
		sums += fmt.Sprintf("\n%s %d %s", f.SHA256, f.Size, f.Name)
	}
	stanza = append(stanza, deb822.Field{Name: "Directory", Value: dir}, deb822.Field{Name: "Checksums-Sha256", Value: sums})
	if files, found := s.Control.Lookup("Files"); found {
		// Older tools find the files by this field; the digests in it protect nothing.
		digest := md5.Sum(dsc)
		stanza = append(stanza, deb822.Field{Name: "Files", Value: fmt.Sprintf("\n%s %d %s\n%s", hex.EncodeToString(digest[:]), len(dsc), base, strings.TrimPrefix(files, "\n"))})
	}
	var b bytes.Buffer
	if _, err := stanza.WriteTo(&b); err != nil {
		return nil, err
	}
	listed.text = b.String()
	return listed, nil
}

// parseSources reads an index of source packages, sorted.
func parseSources(text string) ([]*source, error) {
	var sources []*source
	for line := 1; text != ""; {
		var paragraph string
		paragraph, text, _ = strings.Cut(text, "\n\n")
		if !strings.HasSuffix(paragraph, "\n") {
			paragraph += "\n"
		}
		s, err := parseSource(paragraph)
		if err != nil {
			return nil, fmt.Errorf("paragraph at line %d: %w", line, err)
		}
		sources = append(sources, s)
		line += strings.Count(paragraph, "\n") + 1
	}
	slices.SortStableFunc(sources, compareSources)
	for i := 1; i < len(sources); i++ {
		if compareSources(sources[i-1], sources[i]) == 0 {
			return nil, fmt.Errorf("source package %s %s: listed twice", sources[i].name, sources[i].version)
		}
	}
	return sources, nil
}

// parseSource takes what it needs from one paragraph.
func parseSource(paragraph string) (*source, error) {
	control, err := deb822.Parse([]byte(paragraph), deb822.Limits{})
	if err != nil {
		return nil, err
	}
	s := &source{name: control.Get("Package"), version: control.Get("Version"), text: paragraph}
	if err := deb.CheckName(s.name); err != nil {
		return nil, err
	}
	if _, err := deb.ParseVersion(s.version); err != nil {
		return nil, fmt.Errorf("source package %s: %w", s.name, err)
	}
	files, err := deb.ParseSourceFiles(control.Get("Checksums-Sha256"))
	if err != nil {
		return nil, fmt.Errorf("source package %s: field Checksums-Sha256: %w", s.name, err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("source package %s: field Checksums-Sha256 is missing", s.name)
	}
	for _, f := range files {
		name := path.Join(control.Get("Directory"), f.Name)
		if err := checkPoolPath(control.Get("Directory") + "/" + f.Name); err != nil {
			return nil, fmt.Errorf("source package %s: %w", s.name, err)
		}
		s.files = append(s.files, sourceFile{name, f.Size, f.SHA256})
	}
	return s, nil
}

// sources loads an index of source packages of a suite, once.
func (t *tree) sources(ctx context.Context, s *suite, component string) (*sourceIndex, error) {
	if x := s.sources[component]; x != nil {
		return x, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	x := &sourceIndex{}
	if s.release != nil {
		text, err := t.readIndex(s, sourcesName(component))
		if err == nil {
			x.sources, err = parseSources(text)
		}
		if err != nil {
			return nil, fmt.Errorf("suite %s: %s: %w", s.name, sourcesName(component), err)
		}
	}
	if s.sources == nil {
		s.sources = map[string]*sourceIndex{}
	}
	s.sources[component] = x
	return x, nil
}

// sourcesFiles is the index of a component's source packages, with the Release file beside it. A suite that never had one
// needs none.
func (p *publication) sourcesFiles(d *draft, component string) ([]*indexFile, error) {
	s := d.suite
	x := s.sources[component]
	if s.listed(sourcesName(component), nil) == nil && (x == nil || len(x.sources) == 0) {
		return nil, nil
	}
	release, err := archReleaseFile(d.past, d.release, indexKey{component, archSource})
	if err != nil {
		return nil, err
	}
	index := &indexFile{name: sourcesName(component), stale: x != nil && x.changed(), open: func(ctx context.Context) (textWriter, error) {
		x, err := p.tree.sources(ctx, s, component)
		if err != nil {
			return nil, err
		}
		entries := make([]*entry, len(x.sources))
		for i, s := range x.sources {
			entries[i] = &entry{text: paragraph{text: s.text}}
		}
		return paragraphs(entries), nil
	}}
	return []*indexFile{index, release}, nil
}

// sourceComponents lists the components of which the suite has source packages.
func (s *suite) sourceComponents() []string {
	components := map[string]bool{}
	for component := range s.sources {
		components[component] = true
	}
	if s.release != nil {
		for _, f := range s.release.Files {
			if component, found := strings.CutSuffix(f.Path, "/"+archSource+"/Sources"); found {
				components[component] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(components))
}

// removeSources drops the source packages that the selector selects and notes them in gone.
func (t *tree) removeSources(ctx context.Context, s *suite, component string, selector Selector, gone map[packageKey]bool) error {
	x, err := t.sources(ctx, s, component)
	if err != nil {
		return err
	}
	x.sources = slices.DeleteFunc(x.sources, func(s *source) bool {
		if !selector.selects(&entry{name: s.name, version: s.version, arch: archSource}) {
			return false
		}
		gone[packageKey{s.name, s.version, archSource}] = true
		x.removed++
		return true
	})
	return nil
}

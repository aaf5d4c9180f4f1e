package apt

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"kubedist/pkg/deb"
	"kubedist/pkg/deb822"
)

// ImportSource is one source package of another archive, as an index lists it.
type ImportSource struct {
	Component string             `json:"component"`
	Package   string             `json:"package"`
	Version   string             `json:"version"`
	Files     []ImportSourceFile `json:"files"` // the .dsc first
}

// ImportSourceFile is one file of a source package.
type ImportSourceFile struct {
	Filename string `json:"filename"` // relative to the archive's directory
	Size     int64  `json:"size"`
	SHA256   string `json:"sha256"`
}

// parseForeignSource takes from a paragraph what identifies and locates a source package.
func parseForeignSource(component string, s deb822.Stanza) (ImportSource, error) {
	source := ImportSource{Component: component, Package: s.Get("Package"), Version: s.Get("Version")}
	if err := deb.CheckName(source.Package); err != nil {
		return source, err
	}
	if _, err := deb.ParseVersion(source.Version); err != nil {
		return source, err
	}
	files, err := deb.ParseSourceFiles(s.Get("Checksums-Sha256"))
	if err != nil {
		return source, fmt.Errorf("field Checksums-Sha256: %w", err)
	}
	for _, f := range files {
		name := path.Join(s.Get("Directory"), f.Name)
		if !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsAny(name, "\x00\\") {
			return source, fmt.Errorf("path %q leaves the archive", name)
		}
		source.Files = append(source.Files, ImportSourceFile{name, f.Size, f.SHA256})
	}
	isDSC := func(f ImportSourceFile) bool { return path.Ext(f.Filename) == ".dsc" }
	slices.SortStableFunc(source.Files, func(a, b ImportSourceFile) int {
		switch {
		case isDSC(a) && !isDSC(b):
			return -1
		case isDSC(b) && !isDSC(a):
			return 1
		}
		return 0
	})
	if len(source.Files) == 0 || !isDSC(source.Files[0]) {
		return source, errors.New("field Checksums-Sha256: names no .dsc")
	}
	return source, nil
}

// importedSource is a source package that was read, and the options under which it is listed.
type importedSource struct {
	path     string
	decision sourceDecision
	options  AddOptions
}

// readSources reads the source packages of a plan, each file of which must be what the index says. pool takes the copies.
// Each comes once for each suite; what is wrong with it is told once.
func (t *Transaction) readSources(ctx context.Context, plan *ImportPlan, pool map[string]*pooled, o AddOptions) ([]importedSource, []error, error) {
	var all []importedSource
	var problems []error
	checked := map[string]bool{}
	for _, s := range plan.Suites {
		for _, source := range s.Sources {
			dsc := source.Files[0].Filename
			if !checked[dsc] {
				checked[dsc] = true
				problems = append(problems, source.check(ctx, plan.Dir)...)
				if err := ctx.Err(); err != nil {
					return nil, nil, err
				}
			}
			in := importedSource{path: filepath.Join(plan.Dir, filepath.FromSlash(dsc)), options: o}
			in.options.Suites, in.options.Component = []string{s.To}, source.Component
			var err error
			if in.decision, err = t.decideSource(ctx, in.path, pool, in.options); err != nil {
				if ctx.Err() != nil {
					return nil, nil, ctx.Err()
				}
				problems = append(problems, fmt.Errorf("source package %s: %w", dsc, err))
				continue
			}
			if got := in.decision.source; got.name != source.Package || got.version != source.Version {
				problems = append(problems, fmt.Errorf("%s: is %s %s; the index says %s %s", dsc, got.name, got.version, source.Package, source.Version))
			}
			all = append(all, in)
		}
	}
	return all, problems, nil
}

// check compares the files of a source package with what the index said about them.
func (s *ImportSource) check(ctx context.Context, dir string) []error {
	var problems []error
	for _, f := range s.Files {
		digest, size, err := hashFile(ctx, filepath.Join(dir, filepath.FromSlash(f.Filename)))
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("%s: %w", f.Filename, err))
		case digest != f.SHA256 || size != f.Size:
			problems = append(problems, fmt.Errorf("%s: has %d bytes and SHA-256 %s; the index says %d and %s", f.Filename, size, digest, f.Size, f.SHA256))
		}
	}
	return problems
}

package apt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/deb"
	"kubedist/pkg/deb822"
	"kubedist/pkg/hint"
)

// maxDSC bounds a .dsc in bytes.
const maxDSC = 1 << 20

// AddSources reads source packages, each named by its .dsc beside which its files lie, and adds them to suites. A .dsc may
// be clearsigned; whose signature that is, is not looked at: the archive's own counts for clients. A file that the pool has
// with the same contents, as revisions of one upstream version share theirs, need not be there. It fails as [Transaction.Add]
// does, without a change to the transaction. o.KeepExisting and o.Jobs are not used.
func (t *Transaction) AddSources(ctx context.Context, paths []string, o AddOptions) ([]Added, error) {
	added, err := t.addSources(ctx, paths, o)
	return added, atomicfile.Explain(t.disk.root, err)
}

func (t *Transaction) addSources(ctx context.Context, paths []string, o AddOptions) ([]Added, error) {
	if o.Component == "" {
		o.Component = t.tree.def.Components[0]
	}
	if !slices.Contains(t.tree.def.Components, o.Component) {
		return nil, fmt.Errorf("component %s: not in the archive's definition", o.Component)
	}
	plan := make([]sourceDecision, len(paths))
	pool := map[string]*pooled{}
	for i, name := range paths {
		var err error
		if plan[i], err = t.decideSource(ctx, name, pool, o); err != nil {
			return nil, fmt.Errorf("source package %s: %w", name, err)
		}
	}
	added := make([]Added, len(paths))
	for i, d := range plan {
		var err error
		if added[i], err = t.insertSource(ctx, d, o); err != nil {
			return nil, fmt.Errorf("source package %s: %w", paths[i], err)
		}
		added[i].Path = paths[i]
	}
	for name, p := range pool {
		t.pool[name] = p
	}
	return added, nil
}

// sourceDecision is what is to be done with a source package.
type sourceDecision struct {
	suites []*suite
	source *source
}

// decideSource reads a source package, copies what the pool lacks of it, and compares it with what the archive has.
func (t *Transaction) decideSource(ctx context.Context, name string, pool map[string]*pooled, o AddOptions) (sourceDecision, error) {
	text, err := readDSC(name)
	if err != nil {
		return sourceDecision{}, err
	}
	plain := text
	if bytes.HasPrefix(text, []byte("-----BEGIN PGP")) {
		if plain, err = signedText(text); err != nil {
			return sourceDecision{}, err
		}
	}
	s, err := deb.ParseSource(plain, deb822.Limits{})
	if err != nil {
		return sourceDecision{}, err
	}
	if base := filepath.Base(name); base != deb.SourceName(s) {
		return sourceDecision{}, hint.Errorf("rename the file", "its name is not that of its source and version, %s", deb.SourceName(s))
	}
	suites, err := t.suitesFor(ctx, &entry{name: s.Name, version: s.Version, arch: archSource}, minorsThere{}, o)
	if err != nil {
		return sourceDecision{}, err
	}
	dir := path.Dir(poolPath(o.Component, s.Name, "x"))
	dscFile, err := t.takeDSC(path.Join(dir, deb.SourceName(s)), text, s, pool)
	if err != nil {
		return sourceDecision{}, err
	}
	listed, err := newSource(s, dir, text, dscFile)
	if err != nil {
		return sourceDecision{}, err
	}
	for _, f := range listed.files {
		if path.Ext(f.path) == ".deb" {
			return sourceDecision{}, fmt.Errorf("file %s: a source package has no packages in it", path.Base(f.path))
		}
		if err := t.ownSource(ctx, f); err != nil {
			return sourceDecision{}, err
		}
	}
	for i, f := range s.Files {
		if err := t.takeSourceFile(ctx, filepath.Join(filepath.Dir(name), f.Name), listed.files[1+i], s, pool); err != nil {
			return sourceDecision{}, err
		}
	}
	return sourceDecision{suites, listed}, nil
}

func readDSC(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	text, err := io.ReadAll(io.LimitReader(f, maxDSC+1))
	if err == nil && len(text) > maxDSC {
		err = fmt.Errorf("larger than %d bytes", maxDSC)
	}
	return text, err
}

// takeDSC puts the .dsc among the files that are to go into the pool.
func (t *Transaction) takeDSC(name string, text []byte, s *deb.Source, pool map[string]*pooled) (sourceFile, error) {
	temp, err := t.disk.write(text)
	if err != nil {
		return sourceFile{}, err
	}
	file := sourceFile{path: name, size: int64(len(text)), sha256: digestOf(text)}
	return file, t.poolSource(file, temp, s, pool)
}

// takeSourceFile puts another file of a source package among those, unless the pool has it.
func (t *Transaction) takeSourceFile(ctx context.Context, from string, file sourceFile, s *deb.Source, pool map[string]*pooled) error {
	for _, files := range []map[string]*pooled{pool, t.pool} {
		if p := files[file.path]; p != nil && p.entry.sha256 == file.sha256 {
			return nil
		}
	}
	if digest, size, err := hashFile(ctx, t.disk.path(file.path)); err == nil && digest == file.sha256 && size == file.size {
		return nil
	}
	temp, err := t.disk.copy(ctx, from)
	if err != nil {
		return err
	}
	digest, size, err := hashFile(ctx, t.disk.path(temp))
	if err != nil {
		return err
	}
	if digest != file.sha256 || size != file.size {
		return fmt.Errorf("file %s: is not the one that the .dsc names, with SHA-256 %s", path.Base(file.path), file.sha256)
	}
	return t.poolSource(file, temp, s, pool)
}

// poolSource notes a file that is to go into the pool. Another of that name in the same transaction is an error.
func (t *Transaction) poolSource(file sourceFile, temp string, s *deb.Source, pool map[string]*pooled) error {
	for _, files := range []map[string]*pooled{pool, t.pool} {
		if p := files[file.path]; p != nil && p.entry.sha256 != file.sha256 {
			return twoContents(file, p.entry.sha256)
		}
	}
	pool[file.path] = &pooled{temp: temp, entry: &entry{
		name: s.Name, version: s.Version, arch: archSource, filename: file.path, sha256: file.sha256, size: file.size,
	}}
	return nil
}

// ownSource refuses a file that the archive lists with other contents.
func (t *Transaction) ownSource(ctx context.Context, file sourceFile) error {
	for _, s := range t.tree.suites {
		for _, component := range s.sourceComponents() {
			x, err := t.tree.sources(ctx, s, component)
			if err != nil {
				return err
			}
			for _, other := range x.sources {
				for _, f := range other.files {
					if f.path == file.path && f.sha256 != file.sha256 {
						return twoContents(file, f.sha256)
					}
				}
			}
		}
	}
	return nil
}

func twoContents(file sourceFile, known string) error {
	return hint.Errorf("give the new one a higher revision; mirrors and users who have the other would never get it",
		"%s: the archive has it with SHA-256 %s, this file has %s", path.Base(file.path), known, file.sha256)
}

// insertSource puts a source package into the suites' indices.
func (t *Transaction) insertSource(ctx context.Context, d sourceDecision, o AddOptions) (Added, error) {
	dsc := d.source.files[0]
	result := Added{
		Package: d.source.name, Version: d.source.version, Architecture: archSource, Filename: dsc.path, SHA256: dsc.sha256, Size: dsc.size,
		Outcome: OutcomePresent, Suites: []string{},
	}
	for _, s := range d.suites {
		x, err := t.tree.sources(ctx, s, o.Component)
		if err != nil {
			return Added{}, err
		}
		if x.find(d.source.name, d.source.version) != nil {
			continue
		}
		x.sources = append(x.sources, d.source)
		slices.SortFunc(x.sources, compareSources)
		x.added++
		result.Suites = append(result.Suites, s.name)
		result.Outcome = OutcomeAdded
	}
	return result, nil
}

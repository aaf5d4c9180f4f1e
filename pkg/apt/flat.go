package apt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"kubedist/pkg/deb"
	"kubedist/pkg/hint"
)

// flatLink is a name of a package's file in a flat directory.
type flatLink struct{ target, name string }

// newFlatDraft begins the draft of the flat form of a suite from that of its own place. It lists no files yet.
func newFlatDraft(own *draft) *draft {
	release := *own.release
	release.Components, release.Files = nil, nil
	return &draft{suite: own.suite, past: own.suite.flat, release: &release}
}

// draftFlat drafts the flat form of a suite (sources.list(5), "exact path"): one Packages with the packages of all
// components and architectures, beside its Release files, and the packages in directories below it, one for each
// architecture, as links to the files of the pool. Clients whose sources name such a directory find all they need there.
func (p *publication) draftFlat(ctx context.Context, own *draft) (*draft, error) {
	s := own.suite
	d := newFlatDraft(own)
	var err error
	if d.damage, err = p.damage(ctx, d.past); err != nil {
		return nil, err
	}
	// A flat directory that is dated earlier than its suite was not in the definition for a while.
	behind := s.flat.release == nil || s.release != nil && s.flat.release.Date.Before(s.release.Date) || p.tx.lock.unclean
	file := &indexFile{name: "Packages", stale: behind || s.changed(), once: true, open: func(ctx context.Context) (textWriter, error) {
		entries, err := p.flatEntries(ctx, s)
		if err != nil {
			return nil, err
		}
		texts := make([]*entry, len(entries))
		for i, e := range entries {
			if texts[i], err = flatEntry(e); err != nil {
				return nil, err
			}
			if behind || s.added(e) {
				p.links = append(p.links, flatLink{e.filename, path.Join(s.flat.dir, flatName(e))})
			}
		}
		return paragraphs(texts), nil
	}}
	if err := p.writeFiles(ctx, d, []*indexFile{file}, d.damage != ""); err != nil {
		return nil, err
	}
	// A file of the pool that is replaced takes its other name with it.
	for _, name := range slices.Sorted(maps.Keys(p.tx.pool)) {
		link := path.Join(s.flat.dir, flatName(p.tx.pool[name].entry))
		if _, err := os.Lstat(p.disk.path(link)); err == nil && p.tx.pool[name].temp != "" {
			p.links = append(p.links, flatLink{name, link})
		}
	}
	return d, nil
}

// flatEntries lists the packages of a suite, each once.
func (p *publication) flatEntries(ctx context.Context, s *suite) ([]*entry, error) {
	var all []*entry
	for _, key := range p.tree.def.indexKeys() {
		x, err := p.tree.index(ctx, s, key)
		if err != nil {
			return nil, err
		}
		all = append(all, x.merged()...)
	}
	slices.SortStableFunc(all, compareEntries)
	all = slices.CompactFunc(all, func(a, b *entry) bool { return a.key() == b.key() && a.sha256 == b.sha256 })
	names := make(map[string]*entry, len(all))
	for _, e := range all {
		if other := names[flatName(e)]; other != nil {
			return nil, fmt.Errorf("flat directory: %s would be both %s and %s", flatName(e), other.filename, e.filename)
		}
		names[flatName(e)] = e
	}
	return all, nil
}

// flatName is where a package's file lies below a flat directory.
func flatName(e *entry) string {
	return path.Join(e.arch, deb.Name(&deb.Info{Package: e.name, Version: e.version, Architecture: e.arch}))
}

// flatEntry is the paragraph of a package in a flat directory.
func flatEntry(e *entry) (*entry, error) {
	text := e.text.String()
	value, end, found := rawField(text, "Filename")
	if !found {
		return nil, errors.New("field Filename is missing")
	}
	begin := end - len(value) - len("\n")
	return &entry{text: paragraph{text: text[:begin] + flatName(e) + text[end-1:]}}, nil
}

// added reports whether this transaction added the package to the suite.
func (s *suite) added(e *entry) bool {
	for _, x := range s.indices {
		if _, found := x.place(e); found {
			return true
		}
	}
	return false
}

// linkFlat gives packages their names in flat directories, once they are in the pool.
func (p *publication) linkFlat(ctx context.Context) error {
	for _, l := range p.links {
		target, err := os.Stat(p.disk.path(l.target))
		if err != nil {
			return hint.With(err, "find out more with: kubedist repo verify")
		}
		if there, err := os.Lstat(p.disk.path(l.name)); err == nil && os.SameFile(target, there) {
			continue
		}
		if err := p.disk.linkTo(ctx, l.target, l.name); err != nil {
			return err
		}
	}
	return nil
}

// flatGarbage lists the packages below the suite's flat directory that neither its Packages nor one of the older ones
// under by-hash names.
func (t *Transaction) flatGarbage(ctx context.Context, at *place) ([]Garbage, error) {
	needed := map[string]bool{}
	if err := t.needsOfIndex(at.dir, at.dir, needed); err != nil {
		return nil, err
	}
	var garbage []Garbage
	dirs, err := os.ReadDir(t.disk.path(at.dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, dir := range dirs {
		if !dir.IsDir() || deb.CheckArchitecture(dir.Name()) != nil || dir.Name() == "by-hash" {
			continue
		}
		files, err := os.ReadDir(t.disk.path(path.Join(at.dir, dir.Name())))
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			name := path.Join(at.dir, dir.Name(), f.Name())
			if needed[name] || !f.Type().IsRegular() || !strings.HasSuffix(name, ".deb") {
				continue
			}
			info, err := f.Info()
			if err != nil {
				return nil, err
			}
			garbage = append(garbage, Garbage{Path: name, Size: info.Size()})
		}
	}
	return garbage, ctx.Err()
}

// checkFlatPath refuses the path of a package that is not plainly below the flat directory that lists it.
func checkFlatPath(name string) error {
	if name == "" || path.IsAbs(name) || path.Clean(name) != name || strings.HasPrefix(name, ".") || strings.ContainsAny(name, "\x00\\") {
		return fmt.Errorf("path %q leaves the directory", name)
	}
	return nil
}

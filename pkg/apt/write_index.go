package apt

import (
	"context"
	"errors"
	"path"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// writeIndices lists the files of every index in the draft, and writes those of the indices that changed or are not
// there in every form; all of them when anew is set.
func (p *publication) writeIndices(ctx context.Context, d *draft, anew bool) error {
	workers, ctx := errgroup.WithContext(ctx)
	workers.SetLimit(runtime.GOMAXPROCS(0))
	var written []*draftFile
	for _, component := range p.tree.def.Components {
		for _, arch := range p.tree.def.Architectures {
			key := indexKey{component, arch}
			old := d.suite.listed(key, p.tree.def.Compressions)
			x := d.suite.indices[key]
			if old != nil && !anew && (x == nil || !x.changed()) {
				d.release.Files = append(d.release.Files, old...)
				continue
			}
			x, err := p.tree.index(ctx, d.suite, key)
			if err != nil {
				return errors.Join(err, workers.Wait())
			}
			entries := x.merged()
			for _, compression := range append([]string{""}, p.tree.def.Compressions...) {
				f := &draftFile{}
				written = append(written, f)
				workers.Go(func() (err error) {
					name := path.Join(indexDir(component, arch), "Packages")
					if compression != "" {
						name += "." + compression
					}
					f.temp, f.file, err = writeIndex(ctx, p.disk, entries, compression, name)
					return err
				})
			}
		}
	}
	if err := workers.Wait(); err != nil {
		return err
	}
	for _, f := range written {
		d.release.Files = append(d.release.Files, f.file)
	}
	d.files = written
	slices.SortFunc(d.release.Files, func(a, b ReleaseFile) int { return strings.Compare(a.Path, b.Path) })
	return nil
}

// listed returns what the published Release says about an index, or nil when a form of it is missing.
func (s *suite) listed(key indexKey, compressions []string) []ReleaseFile {
	if s.release == nil {
		return nil
	}
	var files []ReleaseFile
	for _, compression := range append([]string{""}, compressions...) {
		name := path.Join(indexDir(key.component, key.arch), "Packages")
		if compression != "" {
			name += "." + compression
		}
		f, found := s.release.File(name)
		if !found {
			return nil
		}
		files = append(files, f)
	}
	return files
}

// writeIndex writes the paragraphs, a blank line between two, to a temporary file.
func writeIndex(ctx context.Context, d *disk, entries []*entry, compression, name string) (string, ReleaseFile, error) {
	f, err := createPacked(d, compression)
	if err != nil {
		return "", ReleaseFile{}, err
	}
	buffer := make([]byte, 0, 128<<10)
	for i, e := range entries {
		if i > 0 {
			buffer = append(buffer, '\n')
		}
		if buffer = append(buffer, e.text...); len(buffer) > 64<<10 {
			if err = ctx.Err(); err == nil {
				_, err = f.Write(buffer)
			}
			if err != nil {
				return "", ReleaseFile{}, errors.Join(err, f.f.Close())
			}
			buffer = buffer[:0]
		}
	}
	if _, err := f.Write(buffer); err != nil {
		return "", ReleaseFile{}, errors.Join(err, f.f.Close())
	}
	file, err := f.finish(name)
	return f.temp, file, err
}

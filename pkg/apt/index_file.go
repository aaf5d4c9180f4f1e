package apt

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// textWriter writes a plain text; each call gives the same bytes.
type textWriter func(ctx context.Context, w io.Writer) error

// indexFile is a file that a Release lists, with all its forms: plain, and packed in the definition's compressions.
type indexFile struct {
	name  string // of the plain form, relative to the place of the Release
	plain bool   // there are no other forms
	stale bool   // what it is made of changed since it was published
	// once says that the text is much work to make, or is often the same after a change of what it is made of: it is made
	// once, compared with what is published, and packed from its plain form.
	once bool
	// open loads what the text is made of. It is called for a file that is to be written, one after the other; the text is
	// written side by side.
	open func(ctx context.Context) (textWriter, error)
}

// forms gives the names of a file and of its packed forms.
func forms(name string, compressions []string) []string {
	names := make([]string, 0, 1+len(compressions))
	names = append(names, name)
	for _, c := range compressions {
		names = append(names, name+"."+c)
	}
	return names
}

// writeFiles lists the files in the draft, in all their forms, and writes those that changed or are not there in every
// form; all of them when anew is set.
func (p *publication) writeFiles(ctx context.Context, d *draft, files []*indexFile, anew bool) error {
	workers, ctx := errgroup.WithContext(ctx)
	workers.SetLimit(runtime.GOMAXPROCS(0))
	written, kept := make([][]*draftFile, len(files)), make([][]ReleaseFile, len(files))
	for i, f := range files {
		var compressions []string
		if !f.plain {
			compressions = p.tree.def.Compressions
		}
		if old := d.past.listed(f.name, compressions); !anew {
			if kept[i] = old; old != nil && !f.stale {
				continue
			}
		}
		text, err := f.open(ctx)
		if err != nil {
			return errors.Join(err, workers.Wait())
		}
		if f.once {
			workers.Go(func() (err error) {
				written[i], err = writeOnce(ctx, p.disk, f.name, compressions, text, kept[i])
				return err
			})
			continue
		}
		written[i] = make([]*draftFile, 1+len(compressions))
		for j, name := range forms(f.name, compressions) {
			workers.Go(func() (err error) {
				written[i][j], err = writeForm(ctx, p.disk, name, strings.TrimPrefix(name[len(f.name):], "."), text)
				return err
			})
		}
	}
	if err := workers.Wait(); err != nil {
		return err
	}
	for i := range files {
		if written[i] == nil {
			d.release.Files = append(d.release.Files, kept[i]...)
		}
		for _, f := range written[i] {
			d.release.Files = append(d.release.Files, f.file)
		}
		d.files = append(d.files, written[i]...)
	}
	slices.SortFunc(d.release.Files, func(a, b ReleaseFile) int { return strings.Compare(a.Path, b.Path) })
	return nil
}

// writeForm writes one form of a text to a temporary file.
func writeForm(ctx context.Context, d *disk, name, compression string, text textWriter) (*draftFile, error) {
	f, err := createPacked(d, compression)
	if err != nil {
		return nil, err
	}
	if err := text(ctx, f); err != nil {
		return nil, errors.Join(err, f.f.Close())
	}
	file, err := f.finish(name)
	return &draftFile{temp: f.temp, file: file}, err
}

// writeOnce writes all forms of a text, which it makes once. It gives nil when the text is what is published as old.
func writeOnce(ctx context.Context, d *disk, name string, compressions []string, text textWriter, old []ReleaseFile) ([]*draftFile, error) {
	plain, err := writeForm(ctx, d, name, "", text)
	if err != nil {
		return nil, err
	}
	if len(old) > 0 && old[0] == plain.file {
		return nil, removeIfThere(d.path(plain.temp))
	}
	written := []*draftFile{plain}
	for _, compression := range compressions {
		f, err := writeForm(ctx, d, name+"."+compression, compression, copyOf(d.path(plain.temp)))
		if err != nil {
			return nil, err
		}
		written = append(written, f)
	}
	return written, nil
}

// copyOf gives the text of a file.
func copyOf(name string) textWriter {
	return func(ctx context.Context, w io.Writer) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	}
}

// bytesText gives a text that is there already.
func bytesText(text []byte) textWriter {
	return func(_ context.Context, w io.Writer) error {
		_, err := w.Write(text)
		return err
	}
}

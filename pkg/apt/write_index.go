package apt

import (
	"context"
	"io"
	"path"
)

// packagesFile is the Packages index of one component and architecture of a suite.
func (p *publication) packagesFile(s *suite, key indexKey) *indexFile {
	x := s.indices[key]
	translations := p.tree.def.Translations
	return &indexFile{
		name: packagesName(key),
		// Translations that are listed for the first time need their names in the paragraphs.
		stale: x != nil && x.changed() || translations && s.listed(translationName(key.component), nil) == nil,
		open: func(ctx context.Context) (textWriter, error) {
			x, err := p.tree.index(ctx, s, key)
			if err != nil {
				return nil, err
			}
			if translations {
				if err := x.describe(p.tx.scratch); err != nil {
					return nil, err
				}
			}
			return paragraphs(x.merged()), nil
		},
	}
}

// packagesName is the name of an index within its suite.
func packagesName(key indexKey) string {
	return path.Join(indexDir(key.component, key.arch), "Packages")
}

// paragraphs gives the text of an index: the entries, a blank line between two.
func paragraphs(entries []*entry) textWriter {
	return func(ctx context.Context, w io.Writer) error {
		buffer := make([]byte, 0, 128<<10)
		for i, e := range entries {
			if i > 0 {
				buffer = append(buffer, '\n')
			}
			var err error
			if buffer, err = e.text.appendTo(buffer); err != nil {
				return err
			}
			if len(buffer) > 64<<10 {
				if err := ctx.Err(); err != nil {
					return err
				}
				if _, err := w.Write(buffer); err != nil {
					return err
				}
				buffer = buffer[:0]
			}
		}
		_, err := w.Write(buffer)
		return err
	}
}

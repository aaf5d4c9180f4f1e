package apt

import (
	"context"
	"path"
	"slices"
)

// alias is a further name of a suite: a directory below dists of its own, with Release files that bear its name and with
// the suite's indices.
type alias struct {
	place
	name string
}

// newDraft begins the draft of an alias from that of its suite. It lists no files yet.
func (a *alias) newDraft(own *draft) *draft {
	release := *own.release
	release.Suite, release.Codename, release.Files = a.name, a.name, nil
	return &draft{suite: own.suite, past: &a.place, release: &release}
}

// draftAlias drafts an alias from the draft of its suite. The indices are links to the suite's; the Release files beside
// them are its own, for they bear the name.
func (p *publication) draftAlias(ctx context.Context, own *draft, a *alias) (*draft, error) {
	d := a.newDraft(own)
	var err error
	if d.damage, err = p.damage(ctx, d.past); err != nil {
		return nil, err
	}
	var files []*indexFile
	for _, f := range own.release.Files {
		if key, is := archReleaseKey(f.Path); is {
			file, err := archReleaseFile(d.past, d.release, key)
			if err != nil {
				return nil, err
			}
			files = append(files, file)
			continue
		}
		d.release.Files = append(d.release.Files, f)
		if d.damage == "" && a.release != nil && slices.Contains(a.listed(f.Path, nil), f) &&
			!slices.ContainsFunc(own.files, func(w *draftFile) bool { return w.file == f }) {
			continue
		}
		d.files = append(d.files, &draftFile{link: path.Join(own.past.dir, byHash(f.Path, f.SHA256)), file: f})
	}
	return d, p.writeFiles(ctx, d, files, d.damage != "")
}

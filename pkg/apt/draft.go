package apt

import (
	"context"
	"fmt"
	"slices"
)

// draft is a place that is to be written.
type draft struct {
	suite   *suite // whose packages clients find there
	past    *place // what is there now
	release *Release
	files   []*draftFile // that are written; the others that release lists stay as they are
	damage  string       // what a killed run left behind
	reason  string       // why it is published
	// The signed files, set last.
	text, inRelease, releaseGPG []byte
}

// draftFile is a listed file in the making: a temporary file, or a link to be made to a file of the archive.
type draftFile struct {
	temp, link string
	file       ReleaseFile
}

// draft drafts all places of a suite, out of sight.
func (p *publication) draft(ctx context.Context, s *suite) error {
	own, err := p.draftOwn(ctx, s)
	if err != nil {
		return err
	}
	drafts := []*draft{own}
	for _, a := range s.aliases {
		d, err := p.draftAlias(ctx, own, a)
		if err != nil {
			return fmt.Errorf("alias %s: %w", a.name, err)
		}
		drafts = append(drafts, d)
	}
	if s.flat != nil {
		d, err := p.draftFlat(ctx, own)
		if err != nil {
			return err
		}
		drafts = append(drafts, d)
	}
	p.choose(s, drafts)
	return nil
}

// choose keeps the drafts of the places that must be published, and notes what came of it. The suite's own is the first.
func (p *publication) choose(s *suite, drafts []*draft) {
	own := drafts[0]
	r := SuiteResult{Suite: s.name, Packages: s.changes(len(p.tree.def.Components))}
	for _, d := range drafts {
		if d.reason = p.reason(d); d.reason == "" && own.reason == "" {
			continue
		}
		switch {
		case d.reason == "": // all places follow the suite's own
			d.reason = own.reason
		case r.Reason != "":
		case d == own:
			r.Reason = d.reason
		default:
			r.Reason = d.past.dir + ": " + d.reason
		}
		p.drafts = append(p.drafts, d)
		r.Published, r.Indices = true, r.Indices+len(d.files)
	}
	if r.Date, r.ValidUntil = own.release.Date, own.release.ValidUntil; own.reason == "" {
		r.Date, r.ValidUntil = s.release.Date, s.release.ValidUntil
	}
	p.result.Suites = append(p.result.Suites, r)
}

// newDraft begins the draft of the suite's own place. It lists no files yet.
func (p *publication) newDraft(s *suite) *draft {
	return &draft{suite: s, past: &s.place, release: p.newRelease(s)}
}

// draftOwn drafts the suite's own place, and writes its files.
func (p *publication) draftOwn(ctx context.Context, s *suite) (*draft, error) {
	d := p.newDraft(s)
	var err error
	if d.damage, err = p.damage(ctx, d.past); err != nil {
		return nil, err
	}
	files, err := p.indexFiles(d)
	if err != nil {
		return nil, err
	}
	return d, p.writeFiles(ctx, d, files, d.damage != "")
}

// indexFiles lists what the suite's Release lists.
func (p *publication) indexFiles(d *draft) ([]*indexFile, error) {
	var files []*indexFile
	for _, key := range p.tree.def.indexKeys() {
		release, err := archReleaseFile(d.past, d.release, key)
		if err != nil {
			return nil, err
		}
		files = append(files, p.packagesFile(d.suite, key), release)
		if p.tree.def.Contents {
			files = append(files, p.contentsFile(d.suite, key))
		}
	}
	for _, component := range p.tree.def.Components {
		if p.tree.def.Translations {
			files = append(files, p.translationFile(d.suite, component))
		}
		sources, err := p.sourcesFiles(d, component)
		if err != nil {
			return nil, err
		}
		files = append(files, sources...)
	}
	return files, nil
}

// damage looks for damage where a killed run may have left some.
func (p *publication) damage(ctx context.Context, at *place) (string, error) {
	if at.release == nil || !p.tx.lock.unclean {
		return "", nil
	}
	return p.tree.damage(ctx, at)
}

// reason says why the draft must be published; "" means that what is there may stay.
func (p *publication) reason(d *draft) string {
	switch old := d.past.release; {
	case old == nil:
		return "first published"
	case d.damage != "":
		return "repaired after an interrupted run: " + d.damage
	case !slices.Equal(old.Files, d.release.Files):
		return "content changed"
	case !slices.Equal(old.SignedBy, d.release.SignedBy) || !p.signedAsNow(d.past):
		return "signing keys changed"
	case !sameContent(old, d.release):
		return "definition changed"
	case p.options.SignAnew:
		return "asked for"
	case old.ValidUntil.Before(p.now().Add(p.tree.def.RefreshBefore)) && p.options.Now.After(old.Date):
		return "Valid-Until was near"
	}
	return ""
}

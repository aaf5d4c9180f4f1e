package apt

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"kubedist/pkg/openpgp"
)

// publication is one run of Publish.
type publication struct {
	tx      *Transaction
	tree    *tree
	disk    *disk
	options PublishOptions
	certs   []*openpgp.Certificate
	keyring []byte // the keyring package; nil when there is none
	drafts  []*draft
	links   []flatLink
	result  Result
}

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

// prepare writes and signs everything, out of sight.
func (p *publication) prepare(ctx context.Context) error {
	if err := p.plan(ctx); err != nil {
		return err
	}
	p.warnKeys()
	if err := p.refuse(ctx); err != nil {
		return err
	}
	if err := p.tx.scratch.failed(); err != nil {
		return err
	}
	if err := p.awaitDate(ctx); err != nil {
		return err
	}
	for _, d := range p.drafts {
		if err := p.sign(ctx, d); err != nil {
			return fmt.Errorf("suite %s: %w", d.suite.name, err)
		}
	}
	return nil
}

// plan decides which suites are to be written, and writes their indices.
func (p *publication) plan(ctx context.Context) error {
	for _, name := range p.options.Suites {
		if _, err := p.tree.suite(name); err != nil {
			return err
		}
	}
	if err := p.addKeyringPackage(ctx); err != nil {
		return fmt.Errorf("keyring package: %w", err)
	}
	var err error
	if p.result.Retired, err = p.tx.retire(ctx); err != nil {
		return err
	}
	if err := p.warnUnnamed(ctx); err != nil {
		return err
	}
	for _, s := range p.tree.suites {
		if s.def == nil {
			continue
		}
		if !p.publishes(s) {
			continue
		}
		if err := p.draft(ctx, s); err != nil {
			return fmt.Errorf("suite %s: %w", s.name, err)
		}
	}
	return nil
}

// publishes reports whether a suite of the definition is published: it was before, it has packages now, or it was asked
// for.
func (p *publication) publishes(s *suite) bool {
	return s.def != nil && (s.release != nil || s.changed() || slices.Contains(p.options.Suites, s.name))
}

func (p *publication) warn(format string, args ...any) {
	p.result.Warnings = append(p.result.Warnings, fmt.Sprintf(format, args...))
}

func (s *suite) changed() bool {
	for _, x := range s.indices {
		if x.changed() {
			return true
		}
	}
	for _, x := range s.sources {
		if x.changed() {
			return true
		}
	}
	return false
}

// changes counts the packages that were added and removed; one for all architectures counts once.
func (s *suite) changes() int {
	keys := map[packageKey]bool{}
	removed := 0
	for _, x := range s.indices {
		removed = max(removed, x.removed)
		for key := range x.added {
			keys[key] = true
		}
	}
	for _, x := range s.sources {
		removed += x.added + x.removed
	}
	return len(keys) + removed
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
	r := SuiteResult{Suite: s.name, Packages: s.changes()}
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

// now is the time by which Valid-Until is judged: the real one where it is known.
func (p *publication) now() time.Time {
	if p.options.Clock != nil {
		return p.options.Clock()
	}
	return p.options.Now
}

// newRelease fills in all but the list of files.
func (p *publication) newRelease(s *suite) *Release {
	def := p.tree.def
	r := &Release{
		Origin: def.Origin, Label: def.Label, Suite: s.name, Codename: s.name,
		Date:          p.options.Now.UTC().Truncate(time.Second),
		Architectures: def.Architectures, Components: def.Components, Description: s.def.Description, AcquireByHash: true,
		NotAutomatic: s.def.NotAutomatic, ButAutomaticUpgrades: s.def.ButAutomaticUpgrades,
	}
	if r.Description == "" {
		r.Description = def.Description
	}
	for _, at := range s.places() {
		if !r.Date.After(at.newest) {
			r.Date = at.newest.Add(time.Second)
		}
	}
	r.ValidUntil = r.Date.Add(def.ValidFor)
	for _, signer := range p.options.Signers {
		r.SignedBy = append(r.SignedBy, signer.Fingerprint())
	}
	for _, next := range p.options.Next {
		r.SignedBy = append(r.SignedBy, next.Fingerprint())
	}
	slices.Sort(r.SignedBy)
	r.SignedBy = slices.Compact(r.SignedBy)
	return r
}

// sameContent compares all but the dates.
func sameContent(a, b *Release) bool {
	x, y := *a, *b
	x.Date, x.ValidUntil, y.Date, y.ValidUntil = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	textX, errX := x.Text()
	textY, errY := y.Text()
	return errX == nil && errY == nil && bytes.Equal(textX, textY)
}

func (p *publication) sign(ctx context.Context, d *draft) error {
	var err error
	if d.text, err = d.release.Text(); err != nil {
		return err
	}
	if d.releaseGPG, err = openpgp.DetachedAll(ctx, bytes.NewReader(d.text), d.release.Date, p.options.Signers...); err != nil {
		return err
	}
	d.inRelease, err = openpgp.ClearsignAll(ctx, d.text, d.release.Date, p.options.Signers...)
	return err
}

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

// changes counts the packages that were added and removed; one for all architectures counts once. The suite may list a
// package in so many components.
func (s *suite) changes(components int) int {
	several := map[packageKey]bool{} // that several indices may list
	added, removed := 0, 0
	for _, x := range s.indices {
		removed = max(removed, x.removed)
		for _, e := range x.added {
			if e.arch == "all" || components > 1 {
				several[e.key()] = true
			} else {
				added++
			}
		}
	}
	for _, x := range s.sources {
		removed += x.added + x.removed
	}
	return added + len(several) + removed
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

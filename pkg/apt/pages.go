package apt

import (
	"context"
	"time"

	"kubedist/pkg/page"
)

// writePages writes what people and mirrors read about the archive: the trace, the landing page, the page of each
// directory and ls-lR.gz. It comes last, since it tells what is there and nothing that apt reads depends on it. What has
// not changed is not written.
func (p *publication) writePages(ctx context.Context) error {
	at := p.published()
	if at.IsZero() {
		return nil // there is nothing to tell about yet
	}
	if name := p.tree.def.traceFile(); name != "" {
		if err := p.disk.replace(ctx, name, traceText(p.tree.def, at), at); err != nil {
			return err
		}
	}
	landing, err := p.landingPage(ctx, at)
	if err != nil {
		return err
	}
	w := &rewriting{disk: p.disk}
	if ours, err := p.disk.generated(page.IndexFile); err != nil {
		return err
	} else if !ours {
		p.warn("%s: was not written by kubedist; it stays as it is", page.IndexFile)
	} else if err := w.add(page.IndexFile, landing, at); err != nil {
		return err
	}
	return p.tx.writeListings(ctx, p.tree.def, w, at)
}

// followListings brings the listings up to date with changes that publish no suite, and makes all durable.
func (t *Transaction) followListings(ctx context.Context) error {
	if at := t.tree.newest(); !at.IsZero() {
		if err := t.writeListings(ctx, t.tree.def, &rewriting{disk: t.disk}, at); err != nil {
			return err
		}
	}
	return t.disk.sync(ctx)
}

// published is when the newest suite was published: what the pages are dated, so that they change with the suites alone.
func (p *publication) published() time.Time {
	at := p.tree.newest()
	for _, d := range p.drafts {
		if d.release.Date.After(at) {
			at = d.release.Date
		}
	}
	return at
}

// newest is the date of the place that was published last; zero when none is.
func (t *tree) newest() time.Time {
	var at time.Time
	for _, s := range t.suites {
		for _, place := range s.places() {
			if place.release != nil && place.release.Date.After(at) {
				at = place.release.Date
			}
		}
	}
	return at
}

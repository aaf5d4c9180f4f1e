package apt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
)

const (
	// longestWait bounds how long publishing waits for the real time to catch up, as it must when an archive is published
	// more often than once a second.
	longestWait = time.Minute
	// keyWarning is how long before its end a key is warned about: time enough to ship a new one to every user.
	keyWarning = 180 * 24 * time.Hour
)

// refuse looks for what clients, or the archive's own past, would not accept. Nothing is signed when there is something.
func (p *publication) refuse(ctx context.Context) error {
	if len(p.drafts) == 0 {
		return nil
	}
	var problems []error
	add := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}
	until := p.drafts[0].release.ValidUntil
	for _, d := range p.drafts {
		if d.release.ValidUntil.After(until) {
			until = d.release.ValidUntil
		}
		add(p.identity(d))
		add(p.ownPast(d.suite.nameOf(d.past), d.past))
	}
	for _, s := range p.tx.origins {
		add(p.ownPast(s.dir, &s.place))
	}
	unsatisfied, err := p.unsatisfied(ctx)
	if err != nil {
		return err
	}
	problems = append(problems, unsatisfied...)
	for _, signer := range p.options.Signers {
		add(p.lasting(signer, until))
	}
	if len(problems) > 0 {
		return &RefusedError{Problems: problems}
	}
	return nil
}

// lasting refuses a key that apt does not take, now or until what it signs ends, and passes its warnings on.
func (p *publication) lasting(signer openpgp.Signer, until time.Time) error {
	findings := openpgp.Check(signer.Public(), openpgp.CheckOptions{Now: p.drafts[0].release.Date, Until: until, WarnBefore: keyWarning})
	for _, f := range findings {
		if f.Severity == openpgp.Error {
			return hint.Errorf(f.Hint, "key %s: %s", f.Subject, f.Message)
		}
		p.warn("key %s: %s", f.Subject, f.Message)
	}
	return nil
}

// identity refuses to rename what clients have pinned: apt stops until each user agrees by hand.
func (p *publication) identity(d *draft) error {
	old := d.past.release
	if old == nil {
		return nil
	}
	for _, f := range []struct{ name, old, new string }{
		{"Origin", old.Origin, d.release.Origin}, {"Label", old.Label, d.release.Label},
		{"Suite", old.Suite, d.release.Suite}, {"Codename", old.Codename, d.release.Codename},
	} {
		if f.old != f.new {
			return hint.Errorf("put the old value back into the archive's definition",
				"%s: %s changes from %q to %q, at which every client stops", d.suite.nameOf(d.past), f.name, f.old, f.new)
		}
	}
	return nil
}

// ownPast makes sure that what is built upon was signed by the archive's own keys, and not put there by someone else.
func (p *publication) ownPast(name string, past *place) error {
	if past.release == nil {
		return nil
	}
	at := past.release.Date
	if p.options.Now.After(at) {
		at = p.options.Now
	}
	text, _, err := openpgp.VerifyClearsigned(past.signed, p.certs, at)
	if errors.Is(err, openpgp.ErrExpired) { // good when it was made
		text, _, err = openpgp.VerifyClearsigned(past.signed, p.certs, past.release.Date)
	}
	if err == nil && !bytes.Equal(text, past.text) {
		err = errors.New("holds more than its signed text")
	}
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: InRelease on disk: %w", name, err)
	if errors.Is(err, openpgp.ErrUnknownSigner) {
		return hint.With(err, "name the key that signed it before with --keyring")
	}
	return err
}

// awaitDate waits until the latest date is not in the future: gpgv and apt refuse what is.
func (p *publication) awaitDate(ctx context.Context) error {
	if p.options.Clock == nil {
		return nil
	}
	var latest time.Time
	for _, d := range p.drafts {
		if d.release.Date.After(latest) {
			latest = d.release.Date
		}
	}
	ahead := latest.Sub(p.options.Clock())
	if latest.IsZero() || ahead <= 0 {
		return nil
	}
	if ahead > longestWait {
		return hint.Errorf("set this machine's clock; if it is right, what is published was dated by a wrong one",
			"date %s: in the future", formatTime(latest))
	}
	timer := time.NewTimer(ahead)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

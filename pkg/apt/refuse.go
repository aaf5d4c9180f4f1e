package apt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/wait"
)

// longestWait bounds how long publishing waits for the real time to catch up, as it must when an archive is published more
// often than once a second.
const longestWait = time.Minute

// refuse looks for what clients, or the archive's own past, would not accept. Nothing is signed when there is something
// that is not overridden.
func (p *publication) refuse(ctx context.Context) error {
	if len(p.drafts) == 0 {
		return p.judge(nil)
	}
	problems, err := p.unsatisfied(ctx)
	if err != nil {
		return err
	}
	missing, err := p.missingArchitectures(ctx)
	if err != nil {
		return err
	}
	problems = append(problems, missing...)
	until := p.drafts[0].release.ValidUntil
	for _, d := range p.drafts {
		if d.release.ValidUntil.After(until) {
			until = d.release.ValidUntil
		}
		if d.past == &d.suite.place {
			problems = append(problems, p.dropped(d.suite)...)
		}
		problems = append(problems, p.identity(d)...)
		problems = append(problems, p.ownPast(d.suite.nameOf(d.past), d.past)...)
	}
	for _, s := range p.tx.origins {
		problems = append(problems, p.ownPast(s.dir, &s.place)...)
	}
	for _, signer := range p.options.Signers {
		problems = append(problems, p.lasting(signer, until)...)
	}
	return p.judge(append(problems, p.future()...))
}

// judge makes a warning of each problem that is overridden and an error of the others. An override without a problem is
// worth a warning too: whoever leaves it in a script will not hear of the next one.
func (p *publication) judge(problems []*Problem) error {
	refused := &RefusedError{}
	used := slices.Clone(p.tx.overridden)
	for _, problem := range problems {
		if slices.Contains(p.options.Override, problem.Refusal) {
			used = append(used, problem)
		} else {
			refused.Problems = append(refused.Problems, problem)
		}
	}
	if len(refused.Problems) > 0 {
		return refused
	}
	for _, problem := range used {
		p.warn("overridden: %v", problem)
	}
	for _, r := range p.options.Override {
		if !slices.ContainsFunc(used, func(u *Problem) bool { return u.Refusal == r }) {
			p.warn("override of %s: there was nothing to override", r)
		}
	}
	return nil
}

// lasting refuses a key that apt does not take, now or until what it signs ends, and passes its warnings on.
func (p *publication) lasting(signer openpgp.Signer, until time.Time) (problems []*Problem) {
	findings := openpgp.Check(p.public(signer), openpgp.CheckOptions{Now: p.drafts[0].release.Date, Until: until})
	for _, f := range findings {
		switch {
		case f.Severity != openpgp.Error:
			p.warn("key %s: %s", f.Subject, f.Message)
		case f.Ends:
			problems = append(problems, &Problem{RefuseKeyExpiry, hint.Errorf(f.Hint, "key %s: %s", f.Subject, f.Message)})
		default:
			problems = append(problems, &Problem{RefuseKey, hint.Errorf(f.Hint, "key %s: %s", f.Subject, f.Message)})
		}
	}
	return problems
}

// dropped refuses to drop an index that lists packages because the definition no longer has its component or
// architecture.
func (p *publication) dropped(s *suite) (problems []*Problem) {
	if s.release == nil {
		return nil
	}
	def := p.tree.def
	for _, component := range s.sourceComponents() {
		if f, _ := s.release.File(sourcesName(component)); f.Size > 0 && !slices.Contains(def.Components, component) {
			problems = append(problems, &Problem{RefuseDrop, hint.Errorf("remove its source packages first, or put it back into the archive's definition",
				"suite %s: %s: has source packages, but the definition has no such component", s.name, f.Path)})
		}
	}
	for _, key := range s.keys() {
		if slices.Contains(def.Components, key.component) && slices.Contains(def.Architectures, key.arch) {
			continue
		}
		if f, _ := s.release.File(packagesName(key)); f.Size > 0 {
			problems = append(problems, &Problem{RefuseDrop, hint.Errorf("remove its packages first, or put it back into the archive's definition",
				"suite %s: %s: has packages, but the definition has no such component or architecture", s.name, f.Path)})
		}
	}
	return problems
}

// identity refuses to rename what clients have pinned: apt stops until each user agrees by hand.
func (p *publication) identity(d *draft) (problems []*Problem) {
	old := d.past.release
	if old == nil {
		return nil
	}
	for _, f := range []struct{ name, old, new string }{
		{"Origin", old.Origin, d.release.Origin}, {"Label", old.Label, d.release.Label},
		{"Suite", old.Suite, d.release.Suite}, {"Codename", old.Codename, d.release.Codename},
	} {
		if f.old != f.new {
			problems = append(problems, &Problem{RefuseIdentity, hint.Errorf("put the old value back into the archive's definition",
				"%s: %s changes from %q to %q, at which every client stops", d.suite.nameOf(d.past), f.name, f.old, f.new)})
		}
	}
	return problems
}

// ownPast makes sure that what is built upon was signed by the archive's own keys, and not put there by someone else.
func (p *publication) ownPast(name string, past *place) []*Problem {
	if past.release == nil {
		return nil
	}
	err := past.signedBy(p.certs, p.options.Now)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: InRelease on disk: %w", name, err)
	switch {
	case errors.Is(err, openpgp.ErrUnknownSigner):
		err = hint.With(err, "name the key that signed it before with --keyring")
	case errors.Is(err, openpgp.ErrRevoked):
		err = hint.With(err, "compare it with a mirror or a backup, for whoever has the revoked key may have changed it; if it is as you published it, "+
			"sign it with a new key (kubedist key new, then kubedist key rotate) and --force past")
	}
	return []*Problem{{RefusePast, err}}
}

// latest is the latest date of the drafts, and how far it is in the future.
func (p *publication) latest() (date time.Time, ahead time.Duration) {
	for _, d := range p.drafts {
		if d.release.Date.After(date) {
			date = d.release.Date
		}
	}
	switch {
	case date.IsZero():
	case p.options.Clock != nil:
		ahead = date.Sub(p.options.Clock())
	case !p.options.NotAfter.IsZero():
		ahead = date.Sub(p.options.NotAfter)
	}
	return date, ahead
}

// future refuses a date that is too far ahead to be waited for.
func (p *publication) future() []*Problem {
	date, ahead := p.latest()
	if ahead <= longestWait {
		return nil
	}
	return []*Problem{{RefuseFutureDate, hint.Errorf("set this machine's clock; if it is right, what is published was dated by a wrong one",
		"date %s: in the future", formatTime(date))}}
}

// awaitDate waits until the latest date is not in the future, for gpgv and apt refuse what is. It does not wait for one
// that has been refused and overridden.
func (p *publication) awaitDate(ctx context.Context) error {
	_, ahead := p.latest()
	if p.options.Clock == nil || ahead <= 0 || ahead > longestWait {
		return nil
	}
	return wait.For(ctx, ahead)
}

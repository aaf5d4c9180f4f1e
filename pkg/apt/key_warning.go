package apt

import (
	"fmt"
	"slices"
	"time"

	"kubedist/pkg/openpgp"
)

// keyLead is how long before the day from which a key can sign no more there is a warning: time to make its successor known
// to every user, and to let both sign for a while.
const keyLead = 180 * 24 * time.Hour

// keyWarnings tells which keys have to be followed by others soon. A key can sign until validFor before its end, for what
// it signs must not outlast it. One that another outlasts, which signs too or is announced, is on its way out already.
func keyWarnings(signing, next []*openpgp.Certificate, now time.Time, validFor time.Duration) []string {
	soon := now.Add(keyLead + validFor)
	outlasted := slices.ContainsFunc(slices.Concat(signing, next), func(c *openpgp.Certificate) bool {
		return c.Expires().IsZero() || c.Expires().After(soon)
	})
	if outlasted {
		return nil
	}
	var warnings []string
	for _, c := range signing {
		last := c.Expires().Add(-validFor)
		days := max(0, int(last.Sub(now)/(24*time.Hour)))
		warnings = append(warnings, fmt.Sprintf("key %s: expires on %s and can sign for %d more days, as what it signs is good for %d; "+
			"make its successor known now: kubedist key new, then kubedist key rotate", c.Fingerprint(), c.Expires().Format(time.DateOnly), days, int(validFor/(24*time.Hour))))
	}
	return warnings
}

// warnKeys warns about the keys that sign this publication.
func (p *publication) warnKeys() {
	var signing []*openpgp.Certificate
	for _, s := range p.options.Signers {
		signing = append(signing, p.public(s))
	}
	for _, w := range keyWarnings(signing, p.options.Next, p.now(), p.tree.def.ValidFor) {
		p.warn("%s", w)
	}
}

// warnKeys warns about the keys that signed a suite. What is in its Signed-By beside them is to sign next.
func (v *verifier) warnKeys(r *Release, signers []string) {
	if r.ValidUntil.IsZero() {
		return
	}
	named := func(list []string) []*openpgp.Certificate {
		return slices.DeleteFunc(slices.Clone(v.options.Keyring), func(c *openpgp.Certificate) bool { return !slices.Contains(list, c.Fingerprint()) })
	}
	for _, w := range keyWarnings(named(signers), named(r.SignedBy), v.options.Now, r.ValidUntil.Sub(r.Date)) {
		if !slices.Contains(v.report.Warnings, w) {
			v.report.Warnings = append(v.report.Warnings, w)
		}
	}
}

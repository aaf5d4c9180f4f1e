package rotation

import (
	"bytes"
	"time"

	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
)

// Renew takes a key's public part into the plan once more, after its owner extended it or changed something else about
// it. Its dates stay, except that a key which was revoked signs no more from the day of now on. That nothing has changed is
// no error. It is one when the plan does not have the key, and when the new public part ends sooner than what the plan has,
// as an older export of the key does.
func (p *Plan) Renew(cert *openpgp.Certificate, now time.Time) (changed bool, err error) {
	k := p.find(cert.Fingerprint())
	if k == nil {
		return false, hint.Errorf("let the archive move to it with: kubedist key rotate", "key %s: not in the plan", cert)
	}
	if bytes.Equal(k.Public.Binary(), cert.Binary()) {
		return false, nil
	}
	if after(k.Public.Expires(), cert.Expires()) && !cert.Revoked() {
		return false, hint.Errorf("export the key again, after it was extended",
			"key %s: ends on %s, sooner than in the plan: it is an older export", cert, cert.Expires().Format(time.DateOnly))
	}
	k.Public = cert
	if today := day(now); cert.Revoked() && (k.SignsUntil.IsZero() || today.Before(k.SignsUntil)) {
		k.SignsUntil = later(today, k.SignsFrom)
	}
	return true, nil
}

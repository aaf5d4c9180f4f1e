// Package rotation knows which keys sign an archive and when: the plan by which it moves from one key to the next without
// losing a client. A new key is in the keyring for a while before it signs (announced), both sign for a while (overlap), and
// the old key stays in the keyring afterwards, for what it signed.
//
// The plan is keys.yaml beside the archive's definition. It holds public keys, dates, and where each secret is to be
// found; no secret. The package does not load secrets, sign, or look at the clock.
package rotation

import (
	"slices"
	"time"

	"kubedist/pkg/openpgp"
)

// FileName is what a plan is called beside the archive's definition.
const FileName = "keys.yaml"

// GnuPGPrefix begins the place of a secret that GnuPG keeps; the fingerprint of the key follows.
const GnuPGPrefix = "gpg:"

// Plan is the keys of an archive over time.
type Plan struct {
	Keys []Key // in the order in which they begin to sign
}

// Key is one key with its time of service. All its times are midnights in UTC.
type Key struct {
	// Secret is where the secret is: the path of a key file, as the plan has it, or GnuPGPrefix and a fingerprint; "" for a
	// secret that is named when it signs.
	Secret string
	Public *openpgp.Certificate

	Announced  time.Time // from then on it is in the keyring
	SignsFrom  time.Time // from then on it signs; not before Announced
	SignsUntil time.Time // from then on it signs no more; zero: until it is rotated out
}

// SignsAt reports whether the key signs what is dated at.
func (k Key) SignsAt(at time.Time) bool {
	return !at.Before(k.SignsFrom) && (k.SignsUntil.IsZero() || at.Before(k.SignsUntil))
}

// Signing returns the keys that sign what is dated at, the one that signs longest already first. Before the first day of
// the plan it is the first key, so that older releases can be made.
func (p *Plan) Signing(at time.Time) []Key {
	if len(p.Keys) > 0 && at.Before(p.Keys[0].SignsFrom) {
		return p.Keys[:1]
	}
	var keys []Key
	for _, k := range p.Keys {
		if k.SignsAt(at) {
			keys = append(keys, k)
		}
	}
	return keys
}

// Next returns the keys that are announced at that time and have yet to sign.
func (p *Plan) Next(at time.Time) []Key {
	var keys []Key
	for _, k := range p.Keys {
		if !at.Before(k.Announced) && at.Before(k.SignsFrom) && !slices.ContainsFunc(p.Signing(at), func(s Key) bool { return s.Public == k.Public }) {
			keys = append(keys, k)
		}
	}
	return keys
}

// Keyring returns the keys that users have to know at that time: all that sign, signed, or are announced.
func (p *Plan) Keyring(at time.Time) []*openpgp.Certificate {
	var certs []*openpgp.Certificate
	for i, k := range p.Keys {
		if i == 0 || !at.Before(k.Announced) {
			certs = append(certs, k.Public)
		}
	}
	return certs
}

// Changed returns the day on which the keyring of that time came to be: when its newest key was announced.
func (p *Plan) Changed(at time.Time) time.Time {
	var newest time.Time
	for i, k := range p.Keys {
		if (i == 0 || !at.Before(k.Announced)) && k.Announced.After(newest) {
			newest = k.Announced
		}
	}
	return newest
}

// find returns the key of a fingerprint, or nil.
func (p *Plan) find(fingerprint string) *Key {
	for i := range p.Keys {
		if p.Keys[i].Public.Fingerprint() == fingerprint {
			return &p.Keys[i]
		}
	}
	return nil
}

// day is the midnight at which a day in UTC begins.
func day(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }

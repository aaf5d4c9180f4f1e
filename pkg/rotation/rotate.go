package rotation

import (
	"fmt"
	"slices"
	"time"

	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
)

// RotateOptions say how an archive moves to another key.
type RotateOptions struct {
	Now time.Time // must be given
	// Announce is how long users can fetch the new key before it signs, in whole days.
	Announce time.Duration
	// Overlap is how long both keys sign, in whole days. With 0 the old key signs no more from the first day of the new one
	// on, as is right for a key that others may have.
	Overlap time.Duration
	// ValidFor is how long a Release that is signed today is good for: a key must last that much longer than it signs.
	ValidFor time.Duration
}

// Rotate adds a key to the plan, whose Secret and Public are given, and ends the service of those that sign until
// further notice. The first key of a plan signs at once, and so does one that comes when no key signs any more, as after the
// only one was revoked. It returns the key with its dates.
//
// Where the old key ends too soon to sign through the whole overlap, the overlap is made shorter. Errors, which leave
// the plan as it is, are a key that is there already, one that apt would refuse, a rotation that is under way, and an old
// key that cannot sign until the new one does.
func (p *Plan) Rotate(next Key, o RotateOptions) (Key, error) {
	if p.find(next.Public.Fingerprint()) != nil {
		return Key{}, fmt.Errorf("key %s: in the plan already", next.Public)
	}
	today := day(o.Now)
	next.Announced, next.SignsFrom, next.SignsUntil = today, today, time.Time{}
	if len(p.Signing(today)) > 0 {
		next.SignsFrom = today.Add(o.Announce)
	}
	if err := lasts(next, o); err != nil {
		return Key{}, err
	}
	if waiting := p.Keys; len(waiting) > 0 && waiting[len(waiting)-1].SignsFrom.After(today) {
		last := waiting[len(waiting)-1]
		return Key{}, hint.Errorf("wait until then, or change the dates in "+FileName+" by hand",
			"key %s: the rotation to it is under way: it signs from %s on", last.Public, last.SignsFrom.Format(time.DateOnly))
	}
	keys := slices.Clone(p.Keys)
	for i := range keys {
		old := &keys[i]
		if !old.SignsUntil.IsZero() && !old.SignsUntil.After(next.SignsFrom.Add(o.Overlap)) {
			continue
		}
		old.SignsUntil = next.SignsFrom.Add(o.Overlap)
		if limit := old.limit(o.ValidFor); !limit.IsZero() && limit.Before(old.SignsUntil) {
			old.SignsUntil = limit
		}
		old.SignsUntil = later(old.SignsUntil, old.SignsFrom)
		if old.SignsUntil.Before(next.SignsFrom) {
			return Key{}, hint.Errorf("give a shorter --announce, or extend the old key with gpg --quick-set-expire and put its public key into "+FileName,
				"key %s: can sign until %s alone, as it expires on %s, and the new key begins on %s", old.Public,
				old.SignsUntil.Format(time.DateOnly), old.Public.Expires().Format(time.DateOnly), next.SignsFrom.Format(time.DateOnly))
		}
	}
	p.Keys = slices.Concat(keys, []Key{next})
	return next, nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// limit is the last day on which the key can sign something that is good for validFor; zero: there is none.
func (k Key) limit(validFor time.Duration) time.Time {
	expires := k.Public.Expires()
	if expires.IsZero() {
		return time.Time{}
	}
	return day(expires.Add(-validFor))
}

// lasts refuses a key that apt would not take, now or when it begins to sign.
func lasts(k Key, o RotateOptions) error {
	for _, f := range openpgp.Check(k.Public, openpgp.CheckOptions{Now: o.Now, Until: k.SignsFrom.Add(o.ValidFor)}) {
		if f.Severity == openpgp.Error {
			return hint.Errorf(f.Hint, "key %s: %s", f.Subject, f.Message)
		}
	}
	return nil
}

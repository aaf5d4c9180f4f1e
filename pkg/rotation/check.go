package rotation

import (
	"fmt"
	"time"
)

// Finding is something in a plan that wants attention.
type Finding struct {
	Subject string `json:"subject"` // fingerprint of a key
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// CheckOptions say for when a plan is judged.
type CheckOptions struct {
	Now      time.Time     // must be given
	Lead     time.Duration // how long before something has to be done it is told
	ValidFor time.Duration // how long what is signed is good for
}

// Check finds where the plan runs out of keys: a day from which on no key can sign, and keys that end before the plan
// has them stop. The findings are in the order of the keys.
func (p *Plan) Check(o CheckOptions) []Finding {
	var findings []Finding
	var last *Key
	for i := range p.Keys {
		k := &p.Keys[i]
		limit := k.limit(o.ValidFor)
		if !k.SignsUntil.IsZero() && !limit.IsZero() && limit.Before(k.SignsUntil) && o.Now.Before(k.SignsUntil) {
			findings = append(findings, Finding{k.Public.Fingerprint(), fmt.Sprintf("is to sign until %s, but can only until %s: it expires on %s",
				k.SignsUntil.Format(time.DateOnly), limit.Format(time.DateOnly), k.Public.Expires().Format(time.DateOnly)), "let it sign no longer than that: signs-until in " + FileName})
		}
		if last == nil || after(k.end(o.ValidFor), last.end(o.ValidFor)) {
			last = k
		}
	}
	if last == nil {
		return findings
	}
	if end := last.end(o.ValidFor); !end.IsZero() && !o.Now.Add(o.Lead).Before(end) {
		findings = append(findings, Finding{last.Public.Fingerprint(), fmt.Sprintf("is the last key, and can sign until %s: in %d days nothing can be published",
			end.Format(time.DateOnly), max(0, int(end.Sub(o.Now)/(24*time.Hour)))), "make its successor known now: kubedist key new, then kubedist key rotate"})
	}
	return findings
}

// end is when the key signs no more; zero: never.
func (k *Key) end(validFor time.Duration) time.Time {
	limit := k.limit(validFor)
	switch {
	case limit.IsZero():
		return k.SignsUntil
	case k.SignsUntil.IsZero() || limit.Before(k.SignsUntil):
		return limit
	}
	return k.SignsUntil
}

// after compares ends, of which the zero time is the latest.
func after(a, b time.Time) bool {
	if a.IsZero() || b.IsZero() {
		return a.IsZero() && !b.IsZero()
	}
	return a.After(b)
}

package openpgp

import (
	"fmt"
	"strings"
	"time"
)

// A Severity says what a finding means for users of the archive.
type Severity int

// The severities of findings.
const (
	Warning Severity = iota // apt takes the key, but something wants attention
	Error                   // some supported apt refuses what the key signs
)

// String returns "warning" or "error".
func (s Severity) String() string {
	if s == Error {
		return "error"
	}
	return "warning"
}

// MarshalText writes the severity as String does, for JSON.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Severity) UnmarshalText(text []byte) error {
	for _, severity := range []Severity{Warning, Error} {
		if string(text) == severity.String() {
			*s = severity
			return nil
		}
	}
	return fmt.Errorf("severity %q: neither warning nor error", text)
}

// A Finding is one thing that [Check] has to say about a key.
type Finding struct {
	Severity Severity `json:"severity"`
	Subject  string   `json:"subject"`        // what it is about: the fingerprint of a key or subkey
	Message  string   `json:"message"`        // what is wrong
	Hint     string   `json:"hint,omitempty"` // what to do next
	Ends     bool     `json:"-"`              // it is about when the key ends
}

// CheckOptions say for when a key is judged.
type CheckOptions struct {
	Now time.Time // must be given
	// Until is how long the key has to last, such as the Valid-Until of what it signs. The zero time asks nothing.
	Until time.Time
	// WarnBefore is how long before the key's end there is a warning.
	WarnBefore time.Duration
}

// Check judges whether apt, with the gpgv of Debian 12 and Ubuntu or with the sqv of apt 3, takes what a key signs. The
// findings come in a fixed order, those about the primary key first; a key without findings is good.
func Check(c *Certificate, o CheckOptions) []Finding {
	report := &report{}
	report.primary(c, o)
	report.subkeys(c, o)
	return report.findings
}

// A report collects findings.
type report struct{ findings []Finding }

// add returns the finding that it adds, which is good until the next one.
func (r *report) add(s Severity, subject, next, format string, args ...any) *Finding {
	r.findings = append(r.findings, Finding{Severity: s, Subject: subject, Message: fmt.Sprintf(format, args...), Hint: next})
	return &r.findings[len(r.findings)-1]
}

const hintExtend = "extend it, with gpg --quick-set-expire, and publish the public key again; or make a new one with: kubedist key new"

// primary reports on the primary key and on how it is bound.
func (r *report) primary(c *Certificate, o CheckOptions) {
	subject := c.Fingerprint()
	now := o.Now.UTC()
	state := c.stateAt(o.Now)
	if !state.bound {
		state = c.stateAt(time.Time{})
	}
	if c.revoked {
		r.add(Error, subject, hintNewKey, "revoked")
	}
	if problem := algorithmProblem(c.primary); problem != "" {
		r.add(Error, subject, hintNewKey, "apt 3 refuses it: %s", problem)
	} else if problem := readerProblem(c.primary); problem != "" {
		r.add(Error, subject, hintNewKey, "Debian 12 refuses it: %s", problem)
	}
	switch {
	case !state.bound && len(c.unread) > 0:
		r.add(Error, subject, hintNewKey, "no self-signature that apt 3 reads, only: %s", strings.Join(c.unread, ", "))
	case !state.bound:
		r.add(Error, subject, hintNewKey, "no valid self-signature")
	case state.weak != "":
		r.add(Error, subject, hintNewKey, "apt 3 refuses it: its self-signature uses %s", state.weak)
	}
	if state.bound && len(c.UserIDs()) == 0 {
		r.add(Error, subject, hintNewKey, "no user ID, without which gpgv takes no key")
	}
	if c.Created().After(now) {
		r.add(Error, subject, "wait, or check the clock", "not yet valid: it begins on %s", day(c.Created()))
	}
	r.ends(subject, state.expires, o)
	if !c.signsNowOrEver(state) {
		r.add(Error, subject, hintNewKey, "cannot sign: neither the primary key nor a subkey is meant for it")
	}
}

// ends reports on when a key ends.
func (r *report) ends(subject string, expires time.Time, o CheckOptions) {
	switch {
	case expires.IsZero():
	case !o.Now.Before(expires):
		r.add(Error, subject, hintExtend, "expired on %s", day(expires)).Ends = true
	case !o.Until.IsZero() && !o.Until.Before(expires):
		r.add(Error, subject, hintExtend, "expires on %s, but is needed until %s", day(expires), day(o.Until)).Ends = true
	case !o.Now.Add(o.WarnBefore).Before(expires):
		r.add(Warning, subject, hintExtend, "expires on %s, in %d days", day(expires), int(expires.Sub(o.Now)/(24*time.Hour))).Ends = true
	}
}

// signsNowOrEver reports whether some part of the key is meant for signing, whatever else is wrong with it.
func (c *Certificate) signsNowOrEver(primary keyState) bool {
	if primary.signs || !primary.bound {
		return true // an unbound key has its own finding
	}
	for i := range c.subkeys {
		if c.subkeys[i].stateAt(time.Time{}).signs {
			return true
		}
	}
	return false
}

// subkeys reports on the subkeys that sign. Others do not matter to apt.
func (r *report) subkeys(c *Certificate, o CheckOptions) {
	primarySigns := c.stateAt(time.Time{}).signs
	for i := range c.subkeys {
		s := &c.subkeys[i]
		state := s.stateAt(time.Time{})
		if !state.signs {
			continue
		}
		subject := fingerprint(s.key)
		// Where the primary key signs, kubedist uses that one, and a flawed subkey harms nobody.
		severity := Error
		if primarySigns {
			severity = Warning
		} else {
			r.add(Warning, subject, hintNewKey, "only this subkey signs; some programs that check packages look at the primary key alone")
		}
		if problem := algorithmProblem(s.key); problem != "" {
			r.add(severity, subject, hintNewKey, "apt 3 refuses this subkey: %s", problem)
		} else if problem := readerProblem(s.key); problem != "" {
			r.add(severity, subject, hintNewKey, "Debian 12 refuses this subkey: %s", problem)
		}
		if state.weak != "" {
			r.add(severity, subject, hintNewKey, "apt 3 refuses this subkey: its binding signature uses %s", state.weak)
		}
		if !primarySigns {
			r.ends(subject, state.expires, o)
		}
	}
}

package openpgp

import (
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"kubedist/pkg/hint"
)

// A keyState is what a primary key or subkey says about itself at some time.
type keyState struct {
	bound   bool      // a self-signature speaks for it
	weak    string    // the refused digest of that self-signature, "" when it is a good one
	signs   bool      // it is meant for signing data
	expires time.Time // zero: never
	userID  string    // the primary user ID, for primary keys
}

// latest returns the newest signature that was made, and had not ended, at the time; the zero time takes them all. As
// in sqv, one with a refused digest counts only when there is no other.
func latest(sigs []selfSignature, at time.Time) *selfSignature {
	var best *selfSignature
	for i := range sigs {
		s := &sigs[i]
		if !at.IsZero() && (s.CreationTime.After(at) || s.SigExpired(at)) {
			continue
		}
		if best == nil || better(s, best) {
			best = s
		}
	}
	return best
}

// better reports whether a speaks before b: with a good digest first, then the newer one.
func better(a, b *selfSignature) bool {
	if (a.weak == "") != (b.weak == "") {
		return a.weak == ""
	}
	return a.CreationTime.After(b.CreationTime)
}

// latest returns the signature that binds the user ID at the time, or nil when there is none or it was taken back.
func (u *userID) latest(at time.Time) *selfSignature {
	s := latest(u.sigs, at)
	if s != nil && !u.ends.IsZero() && !u.ends.Before(s.CreationTime) {
		return nil
	}
	return s
}

// stateAt reads the primary key's properties off the signature on its primary user ID and off the newest one on the
// key itself. Where both set an end, the earlier one holds, as a verifier may go by either.
func (c *Certificate) stateAt(at time.Time) keyState {
	var named *selfSignature
	var state keyState
	for i := range c.userIDs {
		s := c.userIDs[i].latest(at)
		if s == nil {
			continue
		}
		if named == nil || preferred(s, named) {
			named, state.userID = s, c.userIDs[i].id
		}
	}
	direct := latest(c.direct, at)
	flags := named
	if named == nil || !named.FlagsValid && direct != nil {
		flags = direct
	}
	if flags == nil {
		return state
	}
	state.bound, state.signs = true, flags.FlagsValid && flags.FlagSign
	for _, s := range []*selfSignature{named, direct} {
		if s == nil {
			continue
		}
		if end := keyEnd(c.primary, s.Signature); !end.IsZero() && (state.expires.IsZero() || end.Before(state.expires)) {
			state.expires = end
		}
		if state.weak == "" {
			state.weak = s.weak
		}
	}
	return state
}

// preferred reports whether the user ID signed by a comes before that signed by b.
func preferred(a, b *selfSignature) bool {
	aFirst := a.IsPrimaryId != nil && *a.IsPrimaryId
	bFirst := b.IsPrimaryId != nil && *b.IsPrimaryId
	if (a.weak == "") == (b.weak == "") && aFirst != bFirst {
		return aFirst
	}
	return better(a, b)
}

// stateAt reads the subkey's properties off its newest binding signature.
func (s *subkey) stateAt(at time.Time) keyState {
	sig := latest(s.sigs, at)
	if sig == nil || s.revoked {
		return keyState{}
	}
	return keyState{
		bound:   true,
		weak:    sig.weak,
		signs:   sig.FlagsValid && sig.FlagSign,
		expires: keyEnd(s.key, sig.Signature),
	}
}

// keyEnd returns when a signature makes key end; zero: never.
func keyEnd(key *packet.PublicKey, sig *packet.Signature) time.Time {
	if sig.KeyLifetimeSecs == nil || *sig.KeyLifetimeSecs == 0 {
		return time.Time{}
	}
	return key.CreationTime.Add(time.Duration(*sig.KeyLifetimeSecs) * time.Second).UTC()
}

// UsableAt returns nil when signatures made by the certificate at the time are ones that gpgv and sqv accept, and
// otherwise an error that wraps ErrRevoked, ErrNotYetValid, ErrExpired, ErrRefused or ErrCannotSign.
func (c *Certificate) UsableAt(at time.Time) error {
	_, err := c.signingKeys(at)
	return err
}

// signingKeys returns the keys of c that may sign data at the time, the primary key first, or why there are none.
func (c *Certificate) signingKeys(at time.Time) ([]*packet.PublicKey, error) {
	state := c.stateAt(at)
	switch {
	case c.revoked:
		return nil, hint.Errorf(hintNewKey, "key %s: %w", c, ErrRevoked)
	case c.primary.CreationTime.After(at):
		return nil, hint.Errorf("use a later SOURCE_DATE_EPOCH, or a key that begins before that time: kubedist key new --created DATE",
			"key %s: %w: it was made on %s, the signature is for %s", c, ErrNotYetValid, day(c.Created()), day(at))
	case !state.bound && c.stateAt(time.Time{}).bound:
		return nil, hint.Errorf("use a later SOURCE_DATE_EPOCH",
			"key %s: %w: it has no self-signature of %s or before", c, ErrNotYetValid, day(at))
	case !state.bound:
		return nil, hint.Errorf(hintNewKey, "key %s: %w: it has no valid self-signature", c, ErrRefused)
	case !state.expires.IsZero() && !at.Before(state.expires):
		return nil, hint.Errorf("extend it, with gpg --quick-set-expire, or make a new one with: kubedist key new",
			"key %s: %w on %s", c, ErrExpired, day(state.expires))
	case state.weak != "":
		return nil, hint.Errorf(hintNewKey, "key %s: %w: its self-signature uses %s", c, ErrRefused, state.weak)
	}
	if problem := algorithmProblem(c.primary); problem != "" {
		return nil, hint.Errorf(hintNewKey, "key %s: %w: %s", c, ErrRefused, problem)
	}
	var keys []*packet.PublicKey
	if state.signs {
		keys = append(keys, c.primary)
	}
	for i := range c.subkeys {
		if s := &c.subkeys[i]; s.signsAt(at) {
			keys = append(keys, s.key)
		}
	}
	if len(keys) == 0 {
		return nil, hint.Errorf(hintNewKey, "key %s: %w: at %s none of its keys is meant for it", c, ErrCannotSign, day(at))
	}
	return keys, nil
}

// signsAt reports whether the subkey may sign data at the time.
func (s *subkey) signsAt(at time.Time) bool {
	state := s.stateAt(at)
	return state.bound && state.signs && state.weak == "" && algorithmProblem(s.key) == "" &&
		!s.key.CreationTime.After(at) && (state.expires.IsZero() || at.Before(state.expires))
}

const hintNewKey = "make a new key with: kubedist key new"

// day writes a time for people.
func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

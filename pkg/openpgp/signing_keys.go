package openpgp

import (
	"slices"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"kubedist/pkg/hint"
)

// SigningKeys returns the fingerprints of the parts of the certificate that a [Signer] may sign with at the time, in the
// order in which it takes them: the primary key, since some programs that check packages look at no other, then the
// newest subkey. For signers that keep their secrets elsewhere, some of which may be missing. The errors are those of
// [Certificate.UsableAt]; ErrCannotSign also when all that may sign needs a random number for each signature.
func (c *Certificate) SigningKeys(at time.Time) ([]string, error) {
	allowed, err := c.signingKeys(at)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(allowed, func(a, b *packet.PublicKey) int {
		switch {
		case signsRather(a, b):
			return -1
		case signsRather(b, a):
			return 1
		}
		return 0
	})
	var names []string
	for _, key := range allowed {
		if repeatable(key) {
			names = append(names, fingerprint(key))
		}
	}
	if len(names) == 0 {
		return nil, c.neverRepeats(allowed[0])
	}
	return names, nil
}

// neverRepeats is the error about a key whose algorithm needs a random number for each signature.
func (c *Certificate) neverRepeats(key *packet.PublicKey) error {
	return hint.Errorf("use an ed25519 or RSA key; kubedist key new makes one",
		"key %s: %w here: signatures by %s keys are never the same bytes twice", c, ErrCannotSign, algorithmName(key))
}

// signsRather orders the keys that may sign: the primary key, then the newest subkey, then by fingerprint.
func signsRather(a, b *packet.PublicKey) bool {
	if a.IsSubkey != b.IsSubkey {
		return !a.IsSubkey
	}
	if !a.CreationTime.Equal(b.CreationTime) {
		return a.CreationTime.After(b.CreationTime)
	}
	return fingerprint(a) < fingerprint(b)
}

package openpgp

import (
	"errors"
	"maps"
	"slices"
	"time"

	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"kubedist/pkg/hint"
)

// A Key is a certificate with the secret parts found beside it, which may be none. Once unlocked it is a [Signer] and
// safe for concurrent use; Unlock itself must not run beside anything else.
type Key struct {
	cert *Certificate
	// secrets are the secret parts by the position of their packet in the certificate.
	secrets map[int]*packet.PrivateKey
}

// A SecretState says what a file holds of a key's secret.
type SecretState int

// The states of a secret.
const (
	SecretAbsent  SecretState = iota // a public key
	SecretOffline                    // placeholders only: the secret is on a card or kept elsewhere
	SecretLocked                     // protected by a passphrase
	SecretOpen                       // not protected, or unlocked
)

// String names the state for people and for JSON: "absent", "offline", "locked" or "open".
func (s SecretState) String() string {
	switch s {
	case SecretOffline:
		return "offline"
	case SecretLocked:
		return "locked"
	case SecretOpen:
		return "open"
	}
	return "absent"
}

// Public returns the public part, which goes into keyrings.
func (k *Key) Public() *Certificate { return k.cert }

// Fingerprint returns the fingerprint of the primary key: 40 upper-case hexadecimal digits.
func (k *Key) Fingerprint() string { return k.cert.Fingerprint() }

// Secret says what there is of the parts of the secret that can sign.
func (k *Key) Secret() SecretState {
	state := SecretAbsent
	for _, secret := range k.secrets {
		switch {
		case secret.Dummy():
			state = max(state, SecretOffline)
		case !secret.PubKeyAlgo.CanSign():
		case secret.Encrypted:
			return SecretLocked
		default:
			state = max(state, SecretOpen)
		}
	}
	return state
}

// Unlock opens the parts of the secret that can sign. A key that is not locked takes any passphrase. The error wraps
// ErrWrongPassphrase or ErrNotKey, the latter when the secret is damaged.
func (k *Key) Unlock(passphrase []byte) error {
	var locked []*packet.PrivateKey
	for _, position := range slices.Sorted(maps.Keys(k.secrets)) {
		if s := k.secrets[position]; s.Encrypted && !s.Dummy() && s.PubKeyAlgo.CanSign() {
			locked = append(locked, s)
		}
	}
	// The causes are left out of the errors: they come from looking at the deciphered secret.
	err := packet.DecryptPrivateKeys(locked, passphrase)
	var invalid pgperrors.KeyInvalidError
	switch {
	case errors.As(err, &invalid):
		return hint.Errorf("restore the key file from a backup", "secret of key %s: %w: its parts do not fit together", k.cert, ErrNotKey)
	case err != nil:
		return hint.Errorf("check KUBEDIST_PASSPHRASE or the file that --passphrase-file names", "secret of key %s: %w", k.cert, ErrWrongPassphrase)
	}
	return nil
}

// signingSecret picks the secret that signs at the time: the primary key's where that may sign and is there, as some
// programs that check packages look at no other, else that of the newest subkey.
func (k *Key) signingSecret(at time.Time) (*packet.PrivateKey, error) {
	if err := k.ready(); err != nil {
		return nil, err
	}
	allowed, err := k.cert.signingKeys(at)
	if err != nil {
		return nil, err
	}
	var best *packet.PrivateKey
	for _, s := range k.secrets {
		mine := slices.ContainsFunc(allowed, func(p *packet.PublicKey) bool { return fingerprint(p) == fingerprint(&s.PublicKey) })
		if !mine || s.Dummy() {
			continue
		}
		if best == nil || signsRather(&s.PublicKey, &best.PublicKey) {
			best = s
		}
	}
	switch {
	case best == nil:
		return nil, k.offline()
	case !repeatable(&best.PublicKey):
		return nil, k.cert.neverRepeats(&best.PublicKey)
	}
	return best, nil
}

// ready returns nil when the secret is there and open, whether or not the key may sign.
func (k *Key) ready() error {
	switch k.Secret() {
	case SecretAbsent:
		return hint.Errorf("give the file of the secret key: gpg --export-secret-keys --armor writes it",
			"key %s: %w: it is a public key", k.cert, ErrNoSecret)
	case SecretOffline:
		return k.offline()
	case SecretLocked:
		return hint.Errorf("give the passphrase in KUBEDIST_PASSPHRASE or a file with --passphrase-file",
			"secret of key %s: %w", k.cert, ErrLocked)
	}
	return nil
}

func (k *Key) offline() error {
	return hint.Errorf("export the key where its secret is kept, with gpg --export-secret-keys",
		"key %s: %w of the key that signs: it is kept elsewhere", k.cert, ErrNoSecret)
}

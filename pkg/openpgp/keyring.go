package openpgp

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"kubedist/pkg/hint"
)

// ParseKeyring reads the certificates in data, binary or armored, at most 1 MiB, in their order. A secret key among them
// is an error, for keyrings are given away. The error wraps ErrNotKey.
func ParseKeyring(data []byte) ([]*Certificate, error) {
	keys, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	certs := make([]*Certificate, 0, len(keys))
	for _, k := range keys {
		if len(k.secrets) > 0 {
			return nil, hint.Errorf("publish the public part alone: kubedist key show --export FILE", "keyring: %w: the secret part of %s is in it", ErrNotKey, k.cert)
		}
		certs = append(certs, k.cert)
	}
	return certs, nil
}

// A KeyringFormat is one of the two forms that apt reads. The extension of a keyring file must match its form.
type KeyringFormat int

// The forms of a keyring.
const (
	BinaryKeyring  KeyringFormat = iota // for .gpg files
	ArmoredKeyring                      // for .asc files: ASCII with LF line ends
)

// MarshalKeyring writes certificates one after the other, in the order given; see [SortByFingerprint]. Each certificate
// may be there once.
func MarshalKeyring(format KeyringFormat, certs ...*Certificate) ([]byte, error) {
	if len(certs) == 0 {
		return nil, errors.New("keyring: no certificates for it")
	}
	var data []byte
	seen := make(map[string]bool, len(certs))
	for _, c := range certs {
		if seen[c.Fingerprint()] {
			return nil, fmt.Errorf("keyring: certificate %s twice", c)
		}
		seen[c.Fingerprint()] = true
		data = append(data, c.Binary()...)
	}
	if format == ArmoredKeyring {
		return encodeArmor(armorPublicKey, data)
	}
	return data, nil
}

// SortByFingerprint puts certificates into the order of their fingerprints.
func SortByFingerprint(certs []*Certificate) {
	slices.SortFunc(certs, func(a, b *Certificate) int { return cmp.Compare(a.Fingerprint(), b.Fingerprint()) })
}

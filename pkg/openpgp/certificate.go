package openpgp

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// A Certificate is the public part of a key: the primary key, who it belongs to, its subkeys, and the self-signatures
// that hold these together (RFC 9580, section 10.1; there called a transferable public key). It does not change and is
// safe for concurrent use.
type Certificate struct {
	packets []rawPacket
	primary *packet.PublicKey
	direct  []selfSignature // on the primary key itself
	userIDs []userID
	subkeys []subkey
	revoked bool
	// unread says what kinds of self-signature were passed over because nothing here, and no sqv, checks them.
	unread []string
}

// A userID is a name with the primary key's statements about it.
type userID struct {
	id   string
	sigs []selfSignature
	ends time.Time // when the latest revocation was made; zero: none
}

// A subkey is a further key with the primary key's statements about it.
type subkey struct {
	key     *packet.PublicKey
	sigs    []selfSignature
	revoked bool
}

// A selfSignature is a statement of the primary key about itself whose signature was found to be right.
type selfSignature struct {
	*packet.Signature
	weak string // the digest that sqv refuses; "" when it is a good one
}

// Fingerprint returns the fingerprint of the primary key: 40 upper-case hexadecimal digits.
func (c *Certificate) Fingerprint() string { return fingerprint(c.primary) }

// Algorithm names the primary key's algorithm as gpg does: "ed25519", "rsa4096", "nistp256".
func (c *Certificate) Algorithm() string { return algorithmName(c.primary) }

// Created returns when the primary key was made, in UTC to the second.
func (c *Certificate) Created() time.Time { return c.primary.CreationTime.UTC() }

// Expires returns when the primary key ends by its newest self-signature, in UTC; the zero time means never. From that
// second on the key is invalid.
func (c *Certificate) Expires() time.Time { return c.stateAt(time.Time{}).expires }

// Revoked reports whether the key's owner declared it void. Whatever the reason given, apt then refuses its signatures.
func (c *Certificate) Revoked() bool { return c.revoked }

// UserIDs returns the names that the key claims and has not taken back, the primary one first, the others in the
// order of the certificate.
func (c *Certificate) UserIDs() []string {
	primary := c.stateAt(time.Time{}).userID
	var ids []string
	for _, u := range c.userIDs {
		if u.latest(time.Time{}) != nil && !slices.Contains(ids, u.id) {
			ids = append(ids, u.id)
		}
	}
	slices.SortStableFunc(ids, func(a, b string) int {
		switch primary {
		case a:
			return -1
		case b:
			return 1
		}
		return 0
	})
	return ids
}

// Binary returns the certificate as it goes into a .gpg keyring. The bytes are the same whether the certificate was
// read from the public or the secret key.
func (c *Certificate) Binary() []byte {
	var b []byte
	for _, p := range c.packets {
		b = p.appendTo(b)
	}
	return b
}

// Armored returns the certificate as it goes into an .asc keyring: ASCII with LF line ends and a final one.
func (c *Certificate) Armored() ([]byte, error) { return encodeArmor(armorPublicKey, c.Binary()) }

// String names the certificate in messages: its fingerprint, and its first user ID where it has one.
func (c *Certificate) String() string {
	if ids := c.UserIDs(); len(ids) > 0 {
		return fmt.Sprintf("%s (%s)", c.Fingerprint(), printable(ids[0]))
	}
	return c.Fingerprint()
}

// printable makes text from a key safe to show on a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

func fingerprint(key *packet.PublicKey) string { return fmt.Sprintf("%X", key.Fingerprint) }

package openpgp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"kubedist/pkg/hint"
)

// Parse reads the keys in data, which is binary or armored, one key or several, with or without secret parts, and at
// most 1 MiB. Text around armored blocks is passed over. Secrets stay locked. The error wraps ErrNotKey when there is
// no key, when one is damaged, or when its version is not 4.
func Parse(data []byte) ([]*Key, error) {
	keys, err := parse(data)
	if err != nil {
		return nil, hint.Errorf("give a file as gpg --export or gpg --export-secret-keys writes it", "%w: %w", ErrNotKey, err)
	}
	return keys, nil
}

func parse(data []byte) ([]*Key, error) {
	if len(data) > maxKeyFile {
		return nil, fmt.Errorf("more than %d bytes", maxKeyFile)
	}
	if len(data) == 0 {
		return nil, errors.New("it is empty")
	}
	// gpg's own key store is the file that people most often take for a keyring.
	if len(data) > 12 && string(data[8:12]) == "KBXf" {
		return nil, errors.New("a keybox, gpg's private key store")
	}
	if data[0]&0x80 == 0 {
		var err error
		if data, err = decodeKeyArmor(data); err != nil {
			return nil, err
		}
	}
	packets, err := splitPackets(data)
	if err != nil {
		return nil, err
	}
	var keys []*Key
	var current *keyParser
	for i, p := range packets {
		switch p.tag {
		case tagMarker, tagPadding, tagTrust:
			continue
		case tagPublicKey, tagSecretKey:
			if current, err = newKeyParser(p); err != nil {
				return nil, fmt.Errorf("key %d: %w", len(keys)+1, err)
			}
			keys = append(keys, current.key)
			continue
		}
		if current == nil {
			return nil, fmt.Errorf("packet %d has type %d where a key should begin", i+1, p.tag)
		}
		if err := current.add(p); err != nil {
			return nil, fmt.Errorf("key %s: %w", fingerprint(current.cert.primary), err)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("no key in it")
	}
	return keys, nil
}

// A keyParser puts one key together from its packets.
type keyParser struct {
	key  *Key
	cert *Certificate
	// about says what the signatures that follow are about.
	about   byte // tagPublicKey, tagUserID, tagPublicSubkey, or 0 for what is kept but not looked into
	checked int  // self-signatures
}

func newKeyParser(p rawPacket) (*keyParser, error) {
	public, secret, raw, err := parseKeyPacket(p)
	if err != nil {
		return nil, err
	}
	cert := &Certificate{primary: public, packets: []rawPacket{raw}}
	k := &keyParser{key: &Key{cert: cert, secrets: make(map[int]*packet.PrivateKey)}, cert: cert, about: tagPublicKey}
	if secret != nil {
		k.key.secrets[0] = secret
	}
	return k, nil
}

// parseKeyPacket reads a key or subkey: its public part, its secret when it has one, and the packet of its public part.
func parseKeyPacket(p rawPacket) (*packet.PublicKey, *packet.PrivateKey, rawPacket, error) {
	if len(p.body) > 0 && p.body[0] != 4 {
		return nil, nil, rawPacket{}, fmt.Errorf("a key of version %d: apt reads version 4 everywhere, others not", p.body[0])
	}
	parsed, err := p.parse()
	if err != nil {
		return nil, nil, rawPacket{}, err
	}
	switch key := parsed.(type) {
	case *packet.PublicKey:
		if len(p.body) > maxPublicKey {
			return nil, nil, rawPacket{}, fmt.Errorf("a public key of %d bytes", len(p.body))
		}
		return key, nil, p, nil
	case *packet.PrivateKey:
		// The packet type follows from the key: a public (sub)key.
		raw, err := onlyPacket(key.PublicKey.Serialize)
		if err != nil {
			return nil, nil, rawPacket{}, err
		}
		if len(raw.body) > maxPublicKey {
			return nil, nil, rawPacket{}, fmt.Errorf("a public key of %d bytes", len(raw.body))
		}
		if err := checkProtection(p.body, len(raw.body)); err != nil {
			return nil, nil, rawPacket{}, err
		}
		return &key.PublicKey, key, raw, nil
	}
	return nil, nil, rawPacket{}, fmt.Errorf("a packet of type %d is no key", p.tag)
}

// checkProtection refuses secrets whose passphrase goes through Argon2: the file then says how much memory opening it
// takes, up to terabytes, and gpg 2.2 cannot read it anyway (RFC 9580, sections 3.7.1.4 and 5.5.3).
func checkProtection(body []byte, public int) error {
	const argon2, aead = 4, 253
	if len(body) <= public {
		return nil
	}
	specifier := public + 2 // after the usage and cipher octets
	if body[public] == aead {
		specifier++
	}
	if body[public] >= aead && len(body) > specifier && body[specifier] == argon2 {
		return errors.New("its secret is protected with Argon2, which gpg 2.2 does not know")
	}
	return nil
}

// add takes the next packet of the key.
func (k *keyParser) add(p rawPacket) error {
	position := len(k.cert.packets)
	switch p.tag {
	case tagUserID:
		k.cert.userIDs = append(k.cert.userIDs, userID{id: string(p.body)})
		k.about = tagUserID
	case tagPublicSubkey, tagSecretSubkey:
		public, secret, raw, err := parseKeyPacket(p)
		if err != nil && p.tag == tagSecretSubkey {
			return fmt.Errorf("subkey: %w", err)
		}
		if err != nil {
			// A subkey for encryption may use anything; it is passed on and not looked into.
			k.about = 0
			break
		}
		k.cert.subkeys = append(k.cert.subkeys, subkey{key: public})
		k.about, p = tagPublicSubkey, raw
		if secret != nil {
			k.key.secrets[position] = secret
		}
	case tagSignature:
		if err := k.addSignature(p); err != nil {
			return err
		}
	default:
		k.about = 0
	}
	k.cert.packets = append(k.cert.packets, p)
	return nil
}

// addSignature looks at a signature on what came before it. Those of other keys say nothing here.
func (k *keyParser) addSignature(p rawPacket) error {
	if problem := k.unreadable(p); problem != "" {
		if !slices.Contains(k.cert.unread, problem) {
			k.cert.unread = append(k.cert.unread, problem)
		}
		return nil
	}
	parsed, err := p.parse()
	sig, ok := parsed.(*packet.Signature)
	if err != nil || !ok || sig.Version != 4 || !sig.CheckKeyIdOrFingerprint(k.cert.primary) {
		return nil
	}
	if k.checked++; k.checked > maxSelfSignatures {
		return fmt.Errorf("more than %d signatures on itself", maxSelfSignatures)
	}
	for _, n := range sig.Notations {
		if n.IsCritical {
			return nil
		}
	}
	k.verify(sig)
	return nil
}

// unreadable names the kind of a self-signature that is too old to be checked: version 3 packets and those over MD5 or
// RIPEMD-160, which may be somebody else's.
func (k *keyParser) unreadable(p rawPacket) string {
	if k.about == 0 || len(p.body) < 17 {
		return ""
	}
	switch p.body[0] {
	case 2, 3:
		if binary.BigEndian.Uint64(p.body[7:15]) == k.cert.primary.KeyId {
			return fmt.Sprintf("a version %d signature packet", p.body[0])
		}
	case 4:
		switch p.body[3] {
		case 1:
			return "MD5"
		case 3:
			return "RIPEMD-160"
		}
	}
	return ""
}

// verify checks a signature by the primary key and files it under what it is about.
func (k *keyParser) verify(sig *packet.Signature) {
	cert, primary := k.cert, k.cert.primary
	self := selfSignature{Signature: sig, weak: weakDigest(sig.Hash)}
	switch sig.SigType {
	case packet.SigTypeKeyRevocation:
		if primary.VerifyRevocationSignature(sig) == nil {
			cert.revoked = true
		}
		return
	case packet.SigTypeDirectSignature:
		if k.about == tagPublicKey && primary.VerifyDirectKeySignature(sig) == nil {
			cert.direct = append(cert.direct, self)
		}
		return
	}
	switch k.about {
	case tagUserID:
		u := &cert.userIDs[len(cert.userIDs)-1]
		switch sig.SigType {
		case packet.SigTypeGenericCert, packet.SigTypePersonaCert, packet.SigTypeCasualCert, packet.SigTypePositiveCert:
			if primary.VerifyUserIdSignature(u.id, primary, sig) == nil {
				u.sigs = append(u.sigs, self)
			}
		case packet.SigTypeCertificationRevocation:
			if primary.VerifyUserIdSignature(u.id, primary, sig) == nil {
				u.ends = later(u.ends, sig.CreationTime)
			}
		}
	case tagPublicSubkey:
		s := &cert.subkeys[len(cert.subkeys)-1]
		switch sig.SigType {
		case packet.SigTypeSubkeyBinding:
			// This checks the subkey's own signature over the primary key too.
			if primary.VerifyKeySignature(s.key, sig) != nil {
				return
			}
			if sig.EmbeddedSignature != nil && self.weak == "" {
				self.weak = weakDigest(sig.EmbeddedSignature.Hash)
			}
			s.sigs = append(s.sigs, self)
		case packet.SigTypeSubkeyRevocation:
			if primary.VerifySubkeyRevocationSignature(sig, s.key) == nil {
				s.revoked = true
			}
		}
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

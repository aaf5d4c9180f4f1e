package openpgp

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"kubedist/pkg/hint"
)

// An Algorithm is one that keys are made for.
type Algorithm string

// The algorithms of new keys. Both sign the same bytes each time and are known to every gpgv and sqv in use.
const (
	Ed25519 Algorithm = "ed25519" // EdDSA over Curve25519, in the form of version 4 keys (algorithm 22)
	RSA4096 Algorithm = "rsa4096"
)

// GenerateOptions describe a new key.
type GenerateOptions struct {
	Algorithm Algorithm // Ed25519 when empty
	// Name, Comment and Email make up the user ID, "Name (Comment) <Email>". One of Name and Email must be given; none
	// may hold control characters, parentheses or angle brackets.
	Name, Comment, Email string
	// Created is when the key begins, to the second; it must be given. The key signs nothing dated before it.
	Created time.Time
	// Lifetime is how long after Created the key ends, in whole seconds, at most 136 years; 0 means never.
	Lifetime time.Duration
	// Rand is where an Ed25519 key comes from; nil means the operating system, where RSA keys come from always.
	Rand io.Reader
}

// Generate makes a key: a single primary key that certifies and signs, without subkeys. Making an RSA key takes
// seconds, and cannot be interrupted meanwhile.
func Generate(ctx context.Context, o GenerateOptions) (*Key, error) {
	id, err := o.userID()
	if err != nil {
		return nil, err
	}
	seconds, err := o.lifetime()
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	secret, err := o.secret()
	if err != nil {
		return nil, fmt.Errorf("new %s key: %w", o.Algorithm, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	primary := true
	sig := newSignature(&secret.PublicKey, packet.SigTypePositiveCert, o.Created)
	sig.KeyLifetimeSecs, sig.IsPrimaryId = &seconds, &primary
	sig.FlagsValid, sig.FlagCertify, sig.FlagSign = true, true, true
	sig.PreferredHash = []byte{10, 8} // SHA-512, SHA-256 (RFC 9580, section 9.5)
	if err := sig.SignUserId(id.Id, &secret.PublicKey, secret, signConfig()); err != nil {
		return nil, fmt.Errorf("new %s key: %w", o.Algorithm, err)
	}
	// The key is put together from its bytes like any other, which checks them too.
	var data []byte
	for _, serialize := range []func(io.Writer) error{secret.Serialize, id.Serialize, sig.Serialize} {
		p, err := onlyPacket(serialize)
		if err != nil {
			return nil, fmt.Errorf("new %s key: %w", o.Algorithm, err)
		}
		data = p.appendTo(data)
	}
	key, err := Load(ctx, data, LoadOptions{At: o.Created})
	if err != nil {
		return nil, fmt.Errorf("new %s key: %w", o.Algorithm, err)
	}
	return key, nil
}

// secret makes the secret primary key.
func (o GenerateOptions) secret() (*packet.PrivateKey, error) {
	random := o.Rand
	if random == nil {
		random = rand.Reader
	}
	created := o.Created.Truncate(time.Second)
	switch o.Algorithm {
	case Ed25519, "":
		// The library makes such keys only as part of a whole entity; the rest of it is dropped.
		entity, err := pgp.NewEntity("", "", "", &packet.Config{
			Rand:      random,
			Time:      func() time.Time { return created },
			Algorithm: packet.PubKeyAlgoEdDSA,
			Curve:     packet.Curve25519,
		})
		if err != nil {
			return nil, err
		}
		return entity.PrivateKey, nil
	case RSA4096:
		secret, err := rsa.GenerateKey(random, 4096)
		if err != nil {
			return nil, err
		}
		return packet.NewRSAPrivateKey(created, secret), nil
	}
	return nil, hint.Errorf("choose ed25519 or rsa4096", "no such algorithm: %q", string(o.Algorithm))
}

func (o GenerateOptions) userID() (*packet.UserId, error) {
	if o.Name == "" && o.Email == "" {
		return nil, hint.Errorf("give a name or an e-mail address", "user ID of the new key: it is empty")
	}
	for _, part := range []string{o.Name, o.Comment, o.Email} {
		if !utf8.ValidString(part) || printable(part) != part || strings.TrimSpace(part) != part {
			return nil, fmt.Errorf("user ID of the new key: %q holds control characters, or blanks at an end", part)
		}
	}
	id := packet.NewUserId(o.Name, o.Comment, o.Email)
	if id == nil {
		return nil, errors.New("user ID of the new key: name, comment and e-mail address cannot hold ( ) < >")
	}
	return id, nil
}

// lifetime checks the times, which are 32 bits wide in version 4 keys, and returns the lifetime in seconds.
func (o GenerateOptions) lifetime() (uint32, error) {
	if created := o.Created.Unix(); created <= 0 || created > math.MaxUint32 {
		return 0, fmt.Errorf("creation time of the new key: %s is not between 1970 and 2106", o.Created.UTC().Format(time.RFC3339))
	}
	seconds := int64(o.Lifetime / time.Second)
	if o.Lifetime != 0 && seconds <= 0 || seconds > math.MaxUint32 {
		return 0, fmt.Errorf("lifetime of the new key: %s is not between a second and 136 years", o.Lifetime)
	}
	return uint32(seconds), nil
}

// newSignature begins a signature by key, of the kind and digest that all signatures made here have.
func newSignature(key *packet.PublicKey, kind packet.SignatureType, at time.Time) *packet.Signature {
	return &packet.Signature{
		Version:           key.Version,
		SigType:           kind,
		PubKeyAlgo:        key.PubKeyAlgo,
		Hash:              crypto.SHA512,
		CreationTime:      at.Truncate(time.Second),
		IssuerKeyId:       &key.KeyId,
		IssuerKeyVersion:  uint8(key.Version),
		IssuerFingerprint: key.Fingerprint,
	}
}

// signConfig keeps signatures the same bytes each time.
func signConfig() *packet.Config {
	off := false
	return &packet.Config{Rand: noRandom{}, NonDeterministicSignaturesViaNotation: &off}
}

// noRandom stands where signatures may ask for random numbers. What signs here needs none.
type noRandom struct{}

func (noRandom) Read([]byte) (int, error) {
	return 0, errors.New("a signature asked for random numbers")
}

package openpgp

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Signer makes OpenPGP signatures; the same bytes for the same input, key and time.
type Signer interface {
	// Fingerprint names the key: 40 upper-case hexadecimal digits, those of the primary key.
	Fingerprint() string
	// Public is what goes into keyrings.
	Public() *Certificate
	// Detached signs everything read from data, as of the given time (to the second), and returns the armored
	// signature: ASCII with LF line ends and a final one. A key that is not valid at that time is an error.
	Detached(ctx context.Context, data io.Reader, at time.Time) ([]byte, error)
	// Clearsign signs a text, as of the given time (to the second), and returns the whole signed file: not a byte comes
	// before or after its block but the LF that ends the last line. One LF at the end of text makes no difference. Text
	// that such a file cannot carry unchanged is an error: see [ErrMalformed].
	Clearsign(ctx context.Context, text []byte, at time.Time) ([]byte, error)
}

var _ Signer = (*Key)(nil)

// Detached implements [Signer]. Besides errors of data and ctx it returns those of [Certificate.UsableAt], and
// ErrNoSecret and ErrLocked.
func (k *Key) Detached(ctx context.Context, data io.Reader, at time.Time) ([]byte, error) {
	secret, err := k.signingSecret(at)
	if err != nil {
		return nil, err
	}
	digest := crypto.SHA512.New()
	if _, err := io.Copy(digest, &contextReader{ctx, data}); err != nil {
		return nil, fmt.Errorf("data to sign: %w", err)
	}
	sig, err := sign(secret, packet.SigTypeBinary, digest, at)
	if err != nil {
		return nil, fmt.Errorf("signing with key %s: %w", k.cert, err)
	}
	return encodeArmor(armorSignature, sig)
}

// Clearsign implements [Signer]. Its errors are those of Detached, and ErrMalformed.
func (k *Key) Clearsign(ctx context.Context, text []byte, at time.Time) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	text, err := signableText(text)
	if err != nil {
		return nil, err
	}
	secret, err := k.signingSecret(at)
	if err != nil {
		return nil, err
	}
	digest := crypto.SHA512.New()
	writeCanonical(digest, text)
	sig, err := sign(secret, packet.SigTypeText, digest, at)
	if err != nil {
		return nil, fmt.Errorf("signing with key %s: %w", k.cert, err)
	}
	return encodeClearsigned(text, []string{digestName(crypto.SHA512)}, sig)
}

// sign makes the signature packet over what digest has taken in so far, and checks it with the public key: a signature
// that went wrong in the making could give the secret away.
func sign(secret *packet.PrivateKey, kind packet.SignatureType, digest hash.Hash, at time.Time) ([]byte, error) {
	cloner, ok := digest.(hash.Cloner)
	if !ok {
		return nil, errors.New("digest cannot be checked")
	}
	again, err := cloner.Clone()
	if err != nil {
		return nil, err
	}
	sig := newSignature(&secret.PublicKey, kind, at)
	if err := sig.Sign(digest, secret, signConfig()); err != nil {
		return nil, err
	}
	raw, err := onlyPacket(sig.Serialize)
	if err != nil {
		return nil, err
	}
	if err := secret.VerifySignature(again, sig); err != nil {
		return nil, errors.New("the signature made does not verify: the key is damaged or the machine made an error")
	}
	return raw.appendTo(nil), nil
}

// contextReader ends with the context's error.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r *contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

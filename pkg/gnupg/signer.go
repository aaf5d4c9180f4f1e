package gnupg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
)

// Options say which GnuPG is meant.
type Options struct {
	Program string   // the gpg command; "" takes the one on the PATH of this process
	Environ []string // of the user, in the form of os.Environ: GNUPGHOME, GPG_TTY and others are honoured
}

// Signer signs with a key whose secret GnuPG keeps. It is safe for concurrent use; gpg-agent takes turns where the
// hardware must.
type Signer struct {
	gpg     *program
	cert    *openpgp.Certificate
	secrets []string // fingerprints of the parts whose secret is there, or on a token that may be plugged in
}

var _ openpgp.Signer = (*Signer)(nil)

// Open finds a key by the fingerprint of its primary key: 40 hexadecimal digits, blanks between them allowed. It asks gpg
// for the public key and for which secrets it has, and for no passphrase. The error wraps openpgp.ErrNotKey when there is
// no such key and openpgp.ErrNoSecret when its secret is not there.
func Open(ctx context.Context, fingerprint string, o Options) (*Signer, error) {
	gpg, err := newProgram(o)
	if err != nil {
		return nil, err
	}
	cert, err := gpg.certificate(ctx, fingerprint)
	if err != nil {
		return nil, err
	}
	s := &Signer{gpg: gpg, cert: cert}
	if s.secrets, err = gpg.secrets(ctx, cert.Fingerprint()); err != nil {
		return nil, err
	}
	return s, nil
}

// Certificate returns the public key of a fingerprint, as [Open] takes it, whether or not its secret is there.
func Certificate(ctx context.Context, fingerprint string, o Options) (*openpgp.Certificate, error) {
	gpg, err := newProgram(o)
	if err != nil {
		return nil, err
	}
	return gpg.certificate(ctx, fingerprint)
}

// Fingerprint implements [openpgp.Signer].
func (s *Signer) Fingerprint() string { return s.cert.Fingerprint() }

// Public implements [openpgp.Signer].
func (s *Signer) Public() *openpgp.Certificate { return s.cert }

// CanSign tells, without signing, what keeps the key from signing at the time: the errors of
// [openpgp.Certificate.SigningKeys], and openpgp.ErrNoSecret. Whether a token is plugged in and a passphrase known shows
// when it signs.
func (s *Signer) CanSign(at time.Time) error {
	_, err := s.signingKey(at)
	return err
}

// signingKey picks the part of the key that signs, as openpgp.Key does.
func (s *Signer) signingKey(at time.Time) (string, error) {
	keys, err := s.cert.SigningKeys(at)
	if err != nil {
		return "", err
	}
	for _, key := range keys {
		if slices.Contains(s.secrets, key) {
			return key, nil
		}
	}
	return "", noSecret(s.cert.String())
}

func noSecret(key string) error {
	return hint.Errorf("gpg --list-secret-keys shows the keys that can sign; run `gpg --card-status` once for a key on a card",
		"key %s: %w of it that signs in GnuPG", key, openpgp.ErrNoSecret)
}

// Detached implements [openpgp.Signer].
func (s *Signer) Detached(ctx context.Context, data io.Reader, at time.Time) ([]byte, error) {
	check := openpgp.NewDetachedVerifier()
	in := &source{r: io.TeeReader(data, check)}
	signature, err := s.sign(ctx, in, at, "--armor", "--detach-sign")
	if err != nil {
		return nil, err
	}
	if _, err := check.Verify(signature, []*openpgp.Certificate{s.cert}, at); err != nil {
		return nil, fmt.Errorf("signature that gpg made: %w", err)
	}
	return signature, nil
}

// Clearsign implements [openpgp.Signer]. The error wraps openpgp.ErrMalformed when gpg would have to change the text.
func (s *Signer) Clearsign(ctx context.Context, text []byte, at time.Time) ([]byte, error) {
	file, err := s.sign(ctx, &source{r: bytes.NewReader(text)}, at, "--clear-sign")
	if err != nil {
		return nil, err
	}
	signed, _, err := openpgp.VerifyClearsigned(file, []*openpgp.Certificate{s.cert}, at)
	if err != nil {
		return nil, fmt.Errorf("signature that gpg made: %w", err)
	}
	if !bytes.Equal(bytes.TrimSuffix(signed, []byte("\n")), bytes.TrimSuffix(text, []byte("\n"))) {
		return nil, fmt.Errorf("text to sign: %w: gpg changes it", openpgp.ErrMalformed)
	}
	return file, nil
}

// sign has gpg sign what in gives. The exclamation marks fix the key, and stop gpg's clock.
func (s *Signer) sign(ctx context.Context, in *source, at time.Time, how ...string) ([]byte, error) {
	key, err := s.signingKey(at)
	if err != nil {
		return nil, err
	}
	args := append([]string{
		"--faked-system-time", strconv.FormatInt(at.Unix(), 10) + "!", "--digest-algo", "SHA512", "--disable-signer-uid",
		"--local-user", key + "!",
	}, how...)
	out, err := s.gpg.run(ctx, in, args...)
	if in.err != nil {
		return nil, fmt.Errorf("data to sign: %w", in.err)
	}
	if err != nil {
		return nil, fmt.Errorf("signing with key %s: %w", s.cert, err)
	}
	return out, nil
}

// source keeps an error of what is signed apart from those of gpg.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// ParseFingerprint reads a fingerprint as gpg prints it, with or without blanks, in either case.
func ParseFingerprint(text string) (string, error) {
	plain := strings.ToUpper(strings.Join(strings.Fields(text), ""))
	if len(plain) != 40 || strings.Trim(plain, "0123456789ABCDEF") != "" {
		return "", hint.Errorf("give the whole fingerprint: gpg --list-secret-keys prints it", "fingerprint %q: not 40 hexadecimal digits", text)
	}
	return plain, nil
}

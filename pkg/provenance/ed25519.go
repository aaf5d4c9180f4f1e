package provenance

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"kubedist/pkg/hint"
)

// maxKeyFile bounds a PEM file in bytes.
const maxKeyFile = 64 << 10

// Ed25519 signs with a plain Ed25519 key, as verifiers of DSSE know it without OpenPGP.
type Ed25519 struct{ key ed25519.PrivateKey }

// LoadEd25519 reads a secret key: PKCS #8 in PEM, not encrypted, in a regular file that nobody but its owner may read.
func LoadEd25519(path string) (*Ed25519, error) {
	key, err := loadEd25519(path)
	if err == nil {
		return key, nil
	}
	next := cmp.Or(hint.Of(err), "make one with: umask 077; openssl genpkey -algorithm ed25519 -out FILE")
	return nil, hint.With(fmt.Errorf("provenance key %s: %w", path, err), next)
}

func loadEd25519(path string) (*Ed25519, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, hint.Errorf("chmod 600 "+path, "mode %#o: others may read it", info.Mode().Perm())
	}
	der, err := readPEM(f, "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("not a PKCS #8 key") // the cause comes from looking at the secret
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("a key of type %T, not Ed25519", parsed)
	}
	return &Ed25519{key}, nil
}

// ReadEd25519Public reads a public key: SubjectPublicKeyInfo in PEM, as `openssl pkey -pubout` writes it.
func ReadEd25519Public(path string) (ed25519.PublicKey, error) {
	key, err := readPublic(path)
	if err != nil {
		return nil, hint.With(fmt.Errorf("provenance key %s: %w", path, err), "make it of the secret key with: openssl pkey -in FILE -pubout")
	}
	return key, nil
}

func readPublic(path string) (ed25519.PublicKey, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	der, err := readPEM(f, "PUBLIC KEY")
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("a key of type %T, not Ed25519", parsed)
	}
	return key, nil
}

// readPEM reads the only block of a PEM file, which has to be of one kind.
func readPEM(r io.Reader, kind string) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxKeyFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("larger than %d bytes", maxKeyFile)
	}
	block, rest := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM block in it")
	}
	if more, _ := pem.Decode(rest); more != nil {
		return nil, errors.New("several PEM blocks in it")
	}
	if block.Type != kind {
		return nil, fmt.Errorf("a %s where a %s is wanted", block.Type, kind)
	}
	return block.Bytes, nil
}

// Public returns the public part.
func (k *Ed25519) Public() ed25519.PublicKey { return k.key.Public().(ed25519.PublicKey) }

// KeyID implements [Signer]: see [Ed25519KeyID].
func (k *Ed25519) KeyID() string { return Ed25519KeyID(k.Public()) }

// Sign implements [Signer]: a signature of RFC 8032, 64 bytes.
func (k *Ed25519) Sign(ctx context.Context, pae []byte) ([]byte, error) {
	return ed25519.Sign(k.key, pae), ctx.Err()
}

// Ed25519KeyID is the fingerprint that OpenSSH gives to a key, SHA256:BASE64. Verifiers written with
// go-securesystemslib, sigstore's among them, compute it of the keys that they have, and pass over signatures with another.
func Ed25519KeyID(key ed25519.PublicKey) string {
	var blob []byte // RFC 8709, section 4
	for _, part := range [][]byte{[]byte("ssh-ed25519"), key} {
		blob = append(binary.BigEndian.AppendUint32(blob, uint32(len(part))), part...)
	}
	sum := sha256.Sum256(blob)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}
